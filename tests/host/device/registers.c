/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registers.c - the device's registers (Virtio 1.1, 4.2.2 and 4.2.4), the barriers, and the
 * kernel around the driver.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quire/port.h>

#include <barrier.h>
#include <cpu.h>

#include "kernel/main.h"
#include "kernel/mmio.h"
#include "tests/host/device/driver.h"
#include "tests/host/device/inner.h"

#define FEATURES_OK 8u
#define DRIVER_OK   4u

static uint8_t registers[0x200] QR_ALIGNED(4096);
static void (*handler)(void *);
static void *handler_argument;
static bool masked, locked;

void (*device_on_panic)(const char *what);

/* ---- reading ------------------------------------------------------------------------------- */

static uint32_t queue_max(void)
{
	switch (device.fault) {
	case DEVICE_QUEUE_NONE:
		return 0;
	case DEVICE_QUEUE_SMALL:
		return 64;
	case DEVICE_QUEUE_ODD:
		return 200;
	case DEVICE_QUEUE_HUGE:
		return 1u << 31;
	default:
		return 256;
	}
}

/* The size; a half of it may be older than the other. */
static uint32_t size_read(bool high)
{
	uint64_t size = DEVICE_SECTORS;

	if (device.fault == DEVICE_SIZE_HUGE) {
		size = UINT64_MAX - 1;
	} else if (device.fault == DEVICE_SIZE_MOVES) {
		size += device_inner.readings++ * UINT64_C(0x100000001);
	}
	return (uint32_t)(high ? size >> 32 : size);
}

uint32_t mmio_read(const volatile uint8_t *at, unsigned int offset)
{
	assert(at == registers && offset < sizeof(registers) && offset % 4 == 0);
	device_moment();
	switch (offset) {
	case 0x000:
		return 0x74726976;
	case 0x004:
		return device.fault == DEVICE_VERSION ? 3 : device.legacy ? 1 : 2;
	case 0x008:
		return VIRTIO_ID_BLOCK;
	case 0x034:
		return queue_max();
	case 0x060:
		return device.interrupts | (device_choose(8) == 7 ? 0xf0u : 0);
	case 0x070:
		return device_inner.status | (device.fault == DEVICE_NO_RESET ? 1u : 0);
	case 0x0fc:
		assert(!device.legacy);
		return device.fault == DEVICE_SIZE_MOVES ? device_inner.readings : 0;
	case 0x100:
	case 0x104:
		return size_read(offset == 0x104);
	default:
		assert(!"a register that is not for reading");
		return 0;
	}
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Up to the moment itself it does what it likes, and nothing after. */
static void reset(void)
{
	device_moment();
	if (device.running) {
		device_stray_write();
	}
	if (device.fault == DEVICE_NO_RESET || (device.unstoppable && device.running)) {
		return;
	}
	device_late_end(true);
	device_stray_end();
	memset(&device_inner, 0, sizeof(device_inner));
	device.running = false;
	device.interrupts = 0;
}

static void queue_ready(void)
{
	struct virtio_rings *rings = (struct virtio_rings *)(uintptr_t)device_inner.address[0];

	assert(device_inner.address[1] == (uintptr_t)&rings->available);
	assert(device_inner.address[2] == (uintptr_t)&rings->used);
	device_inner.rings = rings;
}

static void status_write(uint32_t value)
{
	if (value == 0) {
		reset();
		return;
	}
	if (device.fault == DEVICE_FEATURES) {
		value &= ~FEATURES_OK;
	}
	device_inner.status = value;
	if (value & DRIVER_OK) {
		assert(device_inner.rings);
		assert(device.legacy || (value & FEATURES_OK));
		device_arrived();
		device.running = true;
	}
}

static void acknowledge(void)
{
	if (device_inner.acknowledged) {
		if (device.late_ack) {
			(void)device_step();
		}
		device.interrupts &= ~device_inner.acknowledged;
		device_inner.acknowledged = 0;
	}
}

void mmio_write(volatile uint8_t *at, unsigned int offset, uint32_t value)
{
	assert(at == registers && offset < sizeof(registers) && offset % 4 == 0);
	acknowledge();
	device_moment();
	if (offset == 0x070) {
		status_write(value);
	} else if (offset == 0x064) {
		assert((value & ~3u) == 0);
		device_inner.acknowledged = value;
	} else if (offset == 0x050) {
		assert(value == 0);
		device.notified++;
	} else if (offset == 0x040) {
		assert(device.legacy);
		device_inner.rings = (struct virtio_rings *)((uintptr_t)value * 4096);
	} else if (offset == 0x044) {
		assert(!device.legacy && value == 1);
		queue_ready();
	} else if (offset >= 0x080 && offset < 0x0b0) {
		uint64_t *address = &device_inner.address[(offset - 0x080) / 16];

		*address = offset % 16 == 0 ? (*address & ~(uint64_t)UINT32_MAX) | value
					    : (*address & UINT32_MAX) | (uint64_t)value << 32;
	}
}

/* ---- barriers, and the interrupt mask ---------------------------------------------------- */

void barrier_write(void)
{
	device_moment();
	device_arrived();
}

void barrier_notify(void)
{
	device_moment();
	device_arrived();
}

void barrier_read(void)
{
	device_moment();
	device_late_end(true);
}

void barrier_acknowledged(void)
{
	acknowledge();
}

unsigned long irq_save(void)
{
	unsigned long key = masked;

	device_moment();
	masked = true;
	return key;
}

void irq_restore(unsigned long key)
{
	assert(masked);
	masked = key;
	device_moment();
}

/* ---- the kernel around the driver --------------------------------------------------------- */

uint8_t image_data_begin[1], image_data_end[1];

const struct machine_virtio machine_virtio = {
	.base = (uintptr_t)registers, .stride = sizeof(registers), .count = 1, .irq = 5,
};

void device_reset(void)
{
	device_late_end(false);
	device_stray_end();
	memset(&device_inner, 0, sizeof(device_inner));
	memset(&device, 0, sizeof(device));
	device.serial = "swap";
	handler = NULL;
	masked = false;
	locked = false;
	device_on_panic = NULL;
	driver_forget();
}

/* Level-triggered; after some thousand calls nobody listens any more. What the handler wrote
 * arrives when it has returned, at the latest. */
void device_interrupt(void)
{
	for (unsigned int i = 0; i < 1000 && handler && device.interrupts; i++) {
		handler(handler_argument);
		acknowledge();
	}
}

void machine_irq_attach(unsigned int irq, void (*function)(void *), void *argument)
{
	assert(irq == 5);
	handler = function;
	handler_argument = argument;
}

int k_mem_map_phys_bare(uint8_t **virt, uintptr_t phys, size_t size, uint32_t flags)
{
	(void)size;
	(void)flags;
	*virt = (uint8_t *)phys;
	return 0;
}

qr_port_key_t qr_port_lock(void)
{
	assert(!locked);
	locked = true;
	return irq_save();
}

void qr_port_unlock(qr_port_key_t key)
{
	assert(locked);
	locked = false;
	irq_restore(key);
}

bool qr_port_can_sleep(void)
{
	return false;
}

qr_port_key_t qr_port_sleep(const void *channel, qr_port_key_t key)
{
	(void)channel;
	assert(!"nobody sleeps here");
	return key;
}

void qr_port_wakeup(const void *channel)
{
	(void)channel;
}

void qr_port_panic(const char *what)
{
	kernel_panic(NULL, what);
}

void kernel_panic(const struct trap_frame *frame, const char *what)
{
	(void)frame;
	device.panicked++;
	if (device_on_panic) {
		device_on_panic(what);
	}
	fprintf(stderr, "panic: %s\n", what);
	abort();
}

uint64_t kernel_option_number(const char *key, uint64_t fallback)
{
	(void)key;
	return fallback;
}

bool kernel_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

void kernel_exit(int status)
{
	exit(status);
}

void kernel_printf(const char *format, ...)
{
	char line[sizeof(device.why)];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	assert(!masked);
	if (strstr(line, "given up")) {
		device.printed++;
		memcpy(device.why, line, sizeof(line));
	}
}
