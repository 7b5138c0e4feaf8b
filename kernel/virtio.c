/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio.c - virtio-mmio transports, legacy and modern (Virtio 1.1, sections 2.6 and 4.2).
 *
 * Order. The device reads and writes the rings by itself, so each store that makes others visible
 * has a barrier before it and each load that does so one behind it (kernel/barrier.h):
 *
 *     descriptors, entry   |write|   available index   |notify|   QUEUE_NOTIFY    2.6.13
 *     INTERRUPT_ACK   |acknowledged|   used index   |read|   used element, status, data   2.6.14
 *
 * Without |acknowledged| the used index could be read before the device knows that its interrupt
 * was seen. What it ends in between is then neither found nor told of again.
 */
#include "kernel/virtio.h"

#include "kernel/machine.h"
#include "kernel/mmio.h"

#include <barrier.h>
#include <cpu.h>

/* Registers of the transport. */
#define MAGIC              0x000
#define VERSION            0x004
#define DEVICE_ID          0x008
#define DRIVER_FEATURES    0x020
#define DRIVER_FEATURE_SET 0x024
#define LEGACY_PAGE_SIZE   0x028
#define QUEUE_SELECT       0x030
#define QUEUE_MAX          0x034
#define QUEUE_SIZE         0x038
#define LEGACY_QUEUE_ALIGN 0x03c
#define LEGACY_QUEUE_PAGE  0x040
#define QUEUE_READY        0x044
#define QUEUE_NOTIFY       0x050
#define INTERRUPT_STATUS   0x060
#define INTERRUPT_ACK      0x064
#define STATUS             0x070
#define QUEUE_DESCRIPTORS  0x080
#define QUEUE_AVAILABLE    0x090
#define QUEUE_USED         0x0a0
#define CONFIG_GENERATION  0x0fc /* modern */
#define CONFIG             0x100

#define MAGIC_VALUE  0x74726976u
#define LEGACY       1u
#define MODERN       2u
#define ACKNOWLEDGE  1u
#define DRIVER       2u
#define DRIVER_OK    4u
#define FEATURES_OK  8u
#define NEEDS_RESET  64u
#define FAILED       128u
#define FEATURE_SET_VERSION_1 1u /* feature bit 32 */
#define CONFIG_CHANGED   2u      /* an interrupt's reason, also for what needs a reset, 2.1.1 */
#define INTERRUPTS_KNOWN 3u      /* a used buffer, a change of the configuration */
#define QUEUE_LARGEST 32768u     /* that there may be, 2.6 */

#define RESET_READS  100000u /* of the status, until a device has to be in reset */
#define CONFIG_READS 8u      /* until its configuration has to stand still */

/* ---- the queue ------------------------------------------------------------------------- */

static void tell(struct virtio *device)
{
	barrier_notify();
	mmio_write(device->registers, QUEUE_NOTIFY, 0);
}

/* Devices that have chains of which they were not told, linked by `untold`, the last to itself. */
static struct virtio *untold;

static void tell_later(struct virtio *device)
{
	if (!device->untold) {
		device->untold = untold ? untold : device;
		untold = device;
	}
}

void virtio_untold_tell(void)
{
	unsigned long key = irq_save();

	while (untold) {
		struct virtio *device = untold;

		untold = device->untold == device ? NULL : device->untold;
		device->untold = NULL;
		tell(device);
	}
	irq_restore(key);
}

/* A chain's own descriptors, beside that of its number. */
#define PIECE_OF(chain) ((uint16_t)(VIRTIO_CHAINS + (chain)))
#define END_OF(chain)   ((uint16_t)(2 * VIRTIO_CHAINS + (chain)))

void virtio_chain_set(struct virtio *device, uint16_t chain, struct virtio_descriptor begin,
		      struct virtio_descriptor end)
{
	struct virtio_descriptor *descriptors = device->rings->descriptors;

	begin.flags = VIRTIO_DESCRIPTOR_NEXT;
	begin.next = PIECE_OF(chain);
	end.flags = VIRTIO_DESCRIPTOR_WRITE;
	descriptors[chain] = begin;
	descriptors[PIECE_OF(chain)].next = END_OF(chain);
	descriptors[END_OF(chain)] = end;
	device->own[chain].end_bytes = end.bytes;
}

/* Hand over the next free chain, of which the pieces are linked. */
static inline void chain_send(struct virtio *device, uint16_t count, uint32_t writable_bytes)
{
	const uint16_t chain = device->free, sent = device->sent;
	struct virtio_rings *rings = device->rings;
	struct virtio_own *own = &device->own[chain];

	own->count = count;
	own->writable_bytes = own->end_bytes + writable_bytes;
	device->free = own->next;
	device->in_flight++;
	device->sent = (uint16_t)(sent + 1);
	rings->available.heads[sent % VIRTIO_QUEUE] = chain;
	barrier_write();
	__atomic_store_n(&rings->available.index, (uint16_t)(sent + 1), __ATOMIC_RELAXED);
	if (CONFIG_KERNEL_DISK_AT_IDLE) {
		tell_later(device);
	} else {
		tell(device);
	}
}

/* Apart, so that one piece saves no registers for more. */
static QR_NOINLINE void many_send(struct virtio *device, const uintptr_t *phys, uint32_t count,
				  struct virtio_descriptor piece)
{
	const uint16_t chain = device->free;
	struct virtio_descriptor *descriptors = device->rings->descriptors;
	uint16_t last = PIECE_OF(chain);

	device->own[chain].first = device->more;
	piece.next = device->more;
	piece.phys = phys[0];
	descriptors[last] = piece;
	for (uint32_t i = 1; i < count; i++) {
		last = device->more;
		device->more = device->next[last];
		piece.next = device->more;
		piece.phys = phys[i];
		descriptors[last] = piece;
	}
	descriptors[last].next = END_OF(chain);
	device->own[chain].last = last;
	device->more_count -= count - 1;
	chain_send(device, (uint16_t)count,
		   piece.flags & VIRTIO_DESCRIPTOR_WRITE ? count * piece.bytes : 0);
}

void virtio_send(struct virtio *device, const uintptr_t *phys, uint32_t count, uint32_t bytes,
		 uint16_t flags)
{
	struct virtio_descriptor *piece = &device->rings->descriptors[PIECE_OF(device->free)];

	if (count > 1) {
		many_send(device, phys, count, (struct virtio_descriptor){
			.bytes = bytes, .flags = flags | VIRTIO_DESCRIPTOR_NEXT});
		return;
	}
	piece->phys = phys[0];
	piece->bytes = bytes;
	piece->flags = flags | VIRTIO_DESCRIPTOR_NEXT;
	chain_send(device, 1, flags ? bytes : 0);
}

static inline void chain_free(struct virtio *device, uint16_t chain)
{
	struct virtio_own *own = &device->own[chain];

	if (own->count > 1) {
		device->next[own->last] = device->more;
		device->more = own->first;
		device->more_count += own->count - 1;
		device->rings->descriptors[PIECE_OF(chain)].next = END_OF(chain);
	}
	own->count = 0;
	own->next = device->free;
	device->free = chain;
	device->in_flight--;
}

/* What the device says of the next chain that it has ended. NULL: it may be. */
static inline const char *used_read(const struct virtio *device, uint32_t *chain, uint32_t *bytes)
{
	const unsigned int at = device->used_seen % VIRTIO_QUEUE;
	const struct virtio_rings *rings = device->rings;

	barrier_read();
	/* once each: what was checked is what is used */
	*chain = __atomic_load_n(&rings->used.heads[at].head, __ATOMIC_RELAXED);
	*bytes = __atomic_load_n(&rings->used.heads[at].bytes, __ATOMIC_RELAXED);
	if (*chain >= VIRTIO_CHAINS || device->own[*chain].count == 0) {
		return "a chain ended that is not in flight";
	}
	if (*bytes > device->own[*chain].writable_bytes) {
		return "more was written than there was room for";
	}
	return NULL;
}

uint16_t virtio_take(struct virtio *device, uint32_t *bytes)
{
	uint16_t index = __atomic_load_n(&device->rings->used.index, __ATOMIC_RELAXED);
	uint16_t more = (uint16_t)(index - device->used_seen);
	const char *wrong = "the used index moved by more than is in flight";
	uint32_t chain;

	if (device->fault || more == 0) {
		return VIRTIO_NONE;
	}
	if (more <= device->in_flight) {
		wrong = used_read(device, &chain, bytes);
	}
	if (wrong) {
		virtio_fail(device, wrong);
		return VIRTIO_NONE;
	}
	device->used_seen++;
	chain_free(device, (uint16_t)chain);
	return (uint16_t)chain;
}

/* ---- stopping ----------------------------------------------------------------------------- */

/* Into reset, in which a device does nothing. It is there when it says so (Virtio 1.2, 2.4). */
static bool reset(uint8_t *registers)
{
	mmio_write(registers, STATUS, 0);
	for (uint32_t i = 0; i < RESET_READS; i++) {
		if (mmio_read(registers, STATUS) == 0) {
			/* what it wrote until then comes before what its memory is used for next */
			barrier_acknowledged();
			barrier_read();
			return true;
		}
	}
	return false;
}

QR_NOINLINE void virtio_fail(struct virtio *device, const char *what)
{
	if (device->fault) {
		return;
	}
	device->fault = what;
	if (!reset(device->registers)) {
		kernel_panic(NULL, "a device that lies cannot be stopped");
	}
}

QR_NOINLINE void virtio_look(struct virtio *device)
{
	uint32_t status = mmio_read(device->registers, STATUS);

	if (!device->fault && ((status & NEEDS_RESET) || !(status & DRIVER_OK))) {
		virtio_fail(device, "it needs a reset, or had one");
	}
}

/* What is not a known reason is not acknowledged. Who sleeps for a device that needs a
 * reset is woken by nothing but this. */
void virtio_interrupt(struct virtio *device)
{
	uint32_t status = mmio_read(device->registers, INTERRUPT_STATUS);

	mmio_write(device->registers, INTERRUPT_ACK, status & INTERRUPTS_KNOWN);
	barrier_acknowledged();
	if (status & CONFIG_CHANGED) {
		virtio_look(device);
	}
}

/* ---- starting ----------------------------------------------------------------------------- */

bool virtio_is(const uint8_t *registers, uint32_t id)
{
	return mmio_read(registers, MAGIC) == MAGIC_VALUE && mmio_read(registers, DEVICE_ID) == id;
}

/* A legacy device cannot tell that it changed: then two readings must agree (2.4.1). */
bool virtio_config(const struct virtio *device, unsigned int offset, uint64_t *value)
{
	const uint8_t *registers = device->registers;
	uint32_t before, after;
	uint64_t last = 0;

	for (uint32_t i = 0; i < CONFIG_READS; i++) {
		before = device->legacy ? 0 : mmio_read(registers, CONFIG_GENERATION);
		*value = mmio_read(registers, CONFIG + offset) |
			 (uint64_t)mmio_read(registers, CONFIG + offset + 4) << 32;
		after = device->legacy ? 0 : mmio_read(registers, CONFIG_GENERATION);
		if (i > 0 && before == after && *value == last) {
			return true;
		}
		last = *value;
	}
	return false;
}

static void address_write(struct virtio *device, unsigned int offset, const void *part)
{
	mmio_write(device->registers, offset, (uint32_t)image_phys(part));
	mmio_write(device->registers, offset + 4, (uint32_t)((uint64_t)image_phys(part) >> 32));
}

/* The sizes that a queue can have are powers of two, and so is the largest of them. */
static bool queue_fits(uint32_t most)
{
	return most >= VIRTIO_QUEUE && most <= QUEUE_LARGEST && (most & (most - 1)) == 0;
}

static void lists_start(struct virtio *device)
{
	for (uint16_t i = 0; i < VIRTIO_CHAINS; i++) {
		device->own[i].next = (uint16_t)(i + 1);
	}
	for (uint16_t i = 3 * VIRTIO_CHAINS; i < VIRTIO_QUEUE; i++) {
		device->next[i] = (uint16_t)(i + 1);
	}
	device->more = 3 * VIRTIO_CHAINS;
	device->more_count = VIRTIO_MORE;
}

static bool queue_start(struct virtio *device)
{
	struct virtio_rings *rings = device->rings;

	mmio_write(device->registers, QUEUE_SELECT, 0);
	if (!queue_fits(mmio_read(device->registers, QUEUE_MAX))) {
		return false;
	}
	lists_start(device);
	__builtin_memset(rings, 0, sizeof(*rings));
	barrier_notify();
	mmio_write(device->registers, QUEUE_SIZE, VIRTIO_QUEUE);
	if (device->legacy) {
		mmio_write(device->registers, LEGACY_QUEUE_ALIGN, 4096);
		mmio_write(device->registers, LEGACY_QUEUE_PAGE,
			   (uint32_t)(image_phys(rings) / 4096));
		return true;
	}
	address_write(device, QUEUE_DESCRIPTORS, rings->descriptors);
	address_write(device, QUEUE_AVAILABLE, &rings->available);
	address_write(device, QUEUE_USED, &rings->used);
	mmio_write(device->registers, QUEUE_READY, 1);
	return true;
}

/* No optional feature is wanted; a modern device insists on one. It agrees by leaving the bit
 * that was set (3.1.1, step 6). *status: what the device was told. */
static bool features_agree(struct virtio *device, uint32_t *status)
{
	uint8_t *registers = device->registers;

	mmio_write(registers, DRIVER_FEATURE_SET, 0);
	mmio_write(registers, DRIVER_FEATURES, 0);
	if (device->legacy) {
		mmio_write(registers, LEGACY_PAGE_SIZE, 4096);
		return true;
	}
	mmio_write(registers, DRIVER_FEATURE_SET, 1);
	mmio_write(registers, DRIVER_FEATURES, FEATURE_SET_VERSION_1);
	*status |= FEATURES_OK;
	mmio_write(registers, STATUS, *status);
	return mmio_read(registers, STATUS) & FEATURES_OK;
}

bool virtio_start(struct virtio *device, uint8_t *registers, struct virtio_rings *rings)
{
	uint32_t version = mmio_read(registers, VERSION);
	uint32_t status = ACKNOWLEDGE | DRIVER;

	__builtin_memset(device, 0, sizeof(*device));
	device->registers = registers;
	device->rings = rings;
	device->legacy = version == LEGACY;
	if ((version != LEGACY && version != MODERN) || !reset(registers)) {
		return false;
	}
	mmio_write(registers, STATUS, status);
	if (!features_agree(device, &status) || !queue_start(device)) {
		mmio_write(registers, STATUS, FAILED);
		return false;
	}
	mmio_write(registers, STATUS, status | DRIVER_OK);
	return true;
}
