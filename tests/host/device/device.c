/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.c - the disk itself: what it does with requests, and its lies. registers.c has the side
 * on which it is spoken to.
 *
 * Whoever says of a request what is not so keeps writing to its memory until it is stopped:
 * `stray` has the pieces. A driver that lets go of frames earlier finds them changed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/virtio_blk.h"
#include "tests/host/device/inner.h"

#define STRAY_BYTE     0xee
#define STRAY_MAX      8192u

struct device device;
struct device_inner device_inner;

uint32_t device_choose(uint32_t below)
{
	return device.choose ? device.choose(below) : 0;
}

/* ---- what the driver sees later --------------------------------------------------- */

struct late {
	struct late *next;
	void *to;
	size_t bytes;
	uint8_t copy[];
};
static struct late *first_late, **last_late = &first_late;

static void write_late(void *to, const void *from, size_t bytes)
{
	struct late *late = malloc(sizeof(*late) + bytes);

	assert(late);
	late->next = NULL;
	late->to = to;
	late->bytes = bytes;
	memcpy(late->copy, from, bytes);
	*last_late = late;
	last_late = &late->next;
}

void device_late_end(bool arrives)
{
	while (first_late) {
		struct late *late = first_late;

		first_late = late->next;
		if (arrives) {
			memcpy(late->to, late->copy, late->bytes);
		}
		free(late);
	}
	last_late = &first_late;
}

/* ---- stray writes ----------------------------------------------------------------- */

static struct {
	void *at;
	uint32_t bytes;
} stray[STRAY_MAX];
static uint32_t stray_count;

void device_stray_write(void)
{
	for (uint32_t i = 0; i < stray_count; i++) {
		memset(stray[i].at, STRAY_BYTE, stray[i].bytes);
	}
}

void device_stray_end(void)
{
	stray_count = 0;
}

/* ---- chains ----------------------------------------------------------------------- */

static const struct virtio_descriptor *descriptor(uint16_t index)
{
	return &device_inner.seen.descriptors[index % VIRTIO_QUEUE];
}

struct chain {
	uint16_t index[VIRTIO_QUEUE]; /* of its descriptors */
	uint32_t count, data_bytes, writable_bytes;
	uint32_t type;
	uint64_t sector;
	bool whole; /* a header, a status, and as many pieces as there may be */
};

static void *memory(const struct virtio_descriptor *piece)
{
	return (void *)(uintptr_t)piece->phys;
}

static void chain_read(struct chain *chain, uint16_t head)
{
	*chain = (struct chain){.type = UINT32_MAX};
	for (uint16_t at = head; chain->count < VIRTIO_QUEUE; at = descriptor(at)->next) {
		chain->index[chain->count++] = at % VIRTIO_QUEUE;
		if (descriptor(at)->flags & VIRTIO_DESCRIPTOR_WRITE) {
			chain->writable_bytes += descriptor(at)->bytes;
		}
		if (!(descriptor(at)->flags & VIRTIO_DESCRIPTOR_NEXT)) {
			chain->whole = chain->count >= 3;
			break;
		}
	}
	if (!chain->whole || descriptor(head)->bytes != 16 || !descriptor(head)->phys) {
		chain->whole = false;
		return;
	}
	memcpy(&chain->type, memory(descriptor(head)), 4);
	memcpy(&chain->sector, (uint8_t *)memory(descriptor(head)) + 8, 8);
	for (uint32_t i = 1; i + 1 < chain->count; i++) {
		chain->data_bytes += descriptor(chain->index[i])->bytes;
	}
}

static void chain_stray(const struct chain *chain)
{
	for (uint32_t i = 1; chain->whole && i < chain->count && stray_count < STRAY_MAX; i++) {
		const struct virtio_descriptor *piece = descriptor(chain->index[i]);

		if ((piece->flags & VIRTIO_DESCRIPTOR_WRITE) && i + 1 < chain->count) {
			stray[stray_count].at = memory(piece);
			stray[stray_count++].bytes = piece->bytes;
		}
	}
}

/* ---- ending one ------------------------------------------------------------------- */

static void used_put(uint32_t id, uint32_t bytes)
{
	const uint32_t element[] = {id, bytes};
	struct virtio_rings *rings = device_inner.rings;

	write_late(&rings->used.heads[device_inner.used % VIRTIO_QUEUE], element, sizeof(element));
	device_inner.used++;
	__atomic_store_n(&rings->used.index, device_inner.used, __ATOMIC_RELAXED);
	device.interrupts |= 1;
}

/* Move the first `bytes` of the data; virtio's status. */
static uint8_t move(const struct chain *chain, uint32_t bytes)
{
	uint64_t at = chain->sector * 512;

	if (device.status != STATUS_OK) {
		return (uint8_t)device.status;
	}
	if (chain->type == REQUEST_SERIAL && device.fault == DEVICE_NAMELESS) {
		return STATUS_UNSUPPORTED;
	}
	if (chain->type == REQUEST_SERIAL) {
		char name[SERIAL_BYTES] = ""; /* no zero behind a long one */

		for (uint32_t i = 0; i < SERIAL_BYTES && device.serial[i] != '\0'; i++) {
			name[i] = device.serial[i];
		}
		write_late(memory(descriptor(chain->index[1])), name, SERIAL_BYTES);
		return 0;
	}
	if (chain->type > REQUEST_OUT) {
		return STATUS_UNSUPPORTED;
	}
	if (chain->sector > DEVICE_SECTORS || chain->data_bytes > sizeof(device.bytes) - at) {
		return STATUS_IO_ERROR;
	}
	for (uint32_t i = 1; i + 1 < chain->count && bytes > 0; i++) {
		const struct virtio_descriptor *piece = descriptor(chain->index[i]);
		uint32_t part = piece->bytes < bytes ? piece->bytes : bytes;

		if (chain->type == REQUEST_IN) {
			write_late(memory(piece), device.bytes + at, part);
		} else {
			memcpy(device.bytes + at, memory(piece), part);
		}
		at += part;
		bytes -= part;
	}
	return 0;
}

static void end_with(const struct chain *chain, uint8_t status, uint32_t length)
{
	uint16_t last = chain->index[chain->count - 1];

	if (chain->whole) {
		write_late(memory(descriptor(last)), &status, 1);
	}
	used_put(chain->index[0], length);
}

static void end_truly(const struct chain *chain)
{
	uint8_t status = move(chain, chain->data_bytes);
	bool counts = !device.legacy || device_choose(3) != 1;

	end_with(chain, status, counts ? chain->writable_bytes : 0);
}

static bool in_flight(uint32_t index)
{
	struct chain chain;

	for (uint32_t i = 0; i < device_inner.pending_count; i++) {
		chain_read(&chain, device_inner.pending[i]);
		for (uint32_t j = 0; j < chain.count; j++) {
			if (chain.index[j] == index) {
				return true;
			}
		}
	}
	return false;
}

/* A number that is no chain's in flight, nor a descriptor of this one. */
static uint32_t bad_id(const struct chain *chain, bool beyond)
{
	const uint32_t ids[] = {VIRTIO_QUEUE, 200, UINT16_MAX, UINT32_MAX};

	for (uint32_t i = 0; i < VIRTIO_QUEUE && !beyond; i++) {
		bool free = !in_flight(i);

		for (uint32_t j = 0; j < chain->count; j++) {
			free = free && chain->index[j] != i;
		}
		if (free) {
			return i;
		}
	}
	return ids[device_choose(4)];
}

static void index_set(uint16_t index)
{
	__atomic_store_n(&device_inner.rings->used.index, index, __ATOMIC_RELAXED);
	device.interrupts |= 1;
}

/* Lies about how a request ended. */
static void end_lying(const struct chain *chain, enum device_lie lie)
{
	const uint32_t part = 1 + device_choose(chain->data_bytes > 1 ? chain->data_bytes - 1 : 1);
	uint8_t status;

	switch (lie) {
	case DEVICE_STATUS_MISSING:
		used_put(chain->index[0], device_choose(2) ? chain->writable_bytes : 0);
		break;
	case DEVICE_STATUS_UNKNOWN:
		end_with(chain, (uint8_t)(3 + device_choose(253)), chain->writable_bytes);
		break;
	case DEVICE_ID_BEYOND:
		used_put(bad_id(chain, true), 1);
		break;
	case DEVICE_ID_FREE:
		used_put(bad_id(chain, false), 1);
		break;
	case DEVICE_ID_INNER:
		used_put(chain->index[1], 1);
		break;
	case DEVICE_ID_WIDE:
		used_put(0x10000u | chain->index[0], chain->writable_bytes);
		status = move(chain, chain->data_bytes);
		write_late(memory(descriptor(chain->index[chain->count - 1])), &status, 1);
		break;
	case DEVICE_TWICE:
		end_truly(chain);
		used_put(chain->index[0], chain->writable_bytes);
		return;
	case DEVICE_LENGTH_LONG:
		end_with(chain, 0, chain->writable_bytes + 1 + device_choose(UINT16_MAX));
		break;
	case DEVICE_LENGTH_SHORT:
		end_with(chain, move(chain, part), part);
		return;
	default:
		break;
	}
	chain_stray(chain);
}

/* Lies about more than one. */
static void lie_about_all(const struct chain *chain, enum device_lie lie)
{
	chain_stray(chain);
	switch (lie) {
	case DEVICE_INDEX_JUMPS:
		index_set((uint16_t)(device_inner.taken + 1 + device_choose(30000)));
		break;
	case DEVICE_INDEX_BACK:
		index_set((uint16_t)(device_inner.used - 1 - device_choose(30000)));
		break;
	case DEVICE_NEEDS_RESET:
		device_inner.status |= 64;
		break;
	case DEVICE_FORGETS:
		device_inner.status = 0;
		break;
	default:
		break; /* never */
	}
	device_inner.dead = lie != DEVICE_NEVER;
}

static void end(uint16_t head)
{
	enum device_lie lie = device.lie;
	struct chain chain;

	chain_read(&chain, head);
	if (!chain.whole || (lie == DEVICE_LENGTH_SHORT &&
			     (chain.type != REQUEST_IN || device.status != 0))) {
		lie = DEVICE_TRUTH; /* not now */
	} else if (lie != DEVICE_TRUTH) {
		device.lie = DEVICE_TRUTH;
		device.lies_told++;
	}
	if (lie == DEVICE_TRUTH) {
		end_truly(&chain);
	} else if (lie < DEVICE_INDEX_JUMPS) {
		end_lying(&chain, lie);
	} else {
		lie_about_all(&chain, lie);
	}
}

/* ---- steps ------------------------------------------------------------------------ */

/* The driver's stores to the rings up to here are there. */
void device_arrived(void)
{
	if (device_inner.rings) {
		device_inner.seen = *device_inner.rings;
	}
}

static void take_available(void)
{
	uint16_t index = device.early ? __atomic_load_n(&device_inner.rings->available.index,
							__ATOMIC_RELAXED)
				      : device_inner.seen.available.index;

	while (device_inner.taken != index && device_inner.pending_count < VIRTIO_QUEUE) {
		device_inner.pending[device_inner.pending_count++] =
			device_inner.seen.available.heads[device_inner.taken++ % VIRTIO_QUEUE] %
			VIRTIO_QUEUE;
	}
}

bool device_step(void)
{
	uint16_t head;

	if (!device.running || device_inner.dead || device.fault == DEVICE_SILENT) {
		return false;
	}
	take_available();
	if (device_inner.pending_count == 0) {
		return false;
	}
	device_inner.pending_count--;
	if (device.backwards) {
		head = device_inner.pending[device_inner.pending_count];
	} else {
		head = device_inner.pending[0];
		memmove(device_inner.pending, device_inner.pending + 1,
			device_inner.pending_count * sizeof(device_inner.pending[0]));
	}
	end(head);
	return true;
}

void device_run(void)
{
	while (device_step()) {
		/* on */
	}
}

void device_moment(void)
{
	if (device.choose && device_choose(4) == 3) {
		(void)device_step();
	}
	if (device.choose && device.running && device_choose(16) == 3) {
		device_stray_write();
	}
}
