/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.c - the machine as QEMU makes it (microvm, q35): what PVH boot says about
 * RAM, the serial port, the end.
 */
#include "kernel/machine.h"
#include "kernel/x86_64/local.h"

/* ---- PVH start info (Xen's hvm/start_info.h) ------------------------------------------ */

#define PVH_MAGIC 0x336ec578u
#define PVH_RAM 1u

struct pvh_info {
	uint32_t magic;
	uint32_t version; /* the memory map is there from 1 on */
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t command_line;
	uint64_t rsdp;
	uint64_t memory_map;
	uint32_t memory_map_count;
	uint32_t reserved;
};

struct pvh_memory {
	uint64_t base;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

void machine_boot_read(uintptr_t boot_info, struct machine_boot *boot)
{
	const struct pvh_info *info = (const struct pvh_info *)boot_info;
	const struct pvh_memory *map;
	const char *text;

	if (info->magic != PVH_MAGIC || info->version < 1) {
		kernel_panic(NULL, "not booted by PVH with a memory map");
	}
	map = (const struct pvh_memory *)info->memory_map;
	for (uint32_t i = 0; i < info->memory_map_count && boot->ram_count < MACHINE_RAM_MAX; i++) {
		if (map[i].type == PVH_RAM && map[i].size != 0) {
			boot->ram[boot->ram_count++] =
				(struct k_mem_range){map[i].base, map[i].size};
		}
	}
	text = (const char *)info->command_line;
	for (size_t i = 0; text && text[i] && i + 1 < sizeof(boot->command_line); i++) {
		boot->command_line[i] = text[i];
	}
}

/* ---- serial port: a 16550 at its usual place --------------------------------------------- */

#define SERIAL 0x3f8
#define SERIAL_LINE_STATUS (SERIAL + 5)
#define SERIAL_CAN_SEND 0x20

static void serial_start(void)
{
	static const uint8_t writes[][2] = {
		{1, 0x00}, /* no interrupts */
		{3, 0x80}, /* divisor latch: 1 is 115200 baud */
		{0, 0x01},
		{1, 0x00},
		{3, 0x03}, /* 8 bits, no parity, one stop bit */
		{2, 0x07}, /* FIFOs on and empty */
	};

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		port_out8((uint16_t)(SERIAL + writes[i][0]), writes[i][1]);
	}
}

bool machine_console_put(char c)
{
	if (!(port_in8(SERIAL_LINE_STATUS) & SERIAL_CAN_SEND)) {
		return false;
	}
	port_out8(SERIAL, (uint8_t)c);
	return true;
}

/* ---- start and end --------------------------------------------------------------------------- */

void machine_early_start(void)
{
	serial_start();
	trap_start();
}

/* QEMU's isa-debug-exit ends with (value << 1) | 1; tools/qemu undoes that. 0 is kept
 * for QEMU's own errors. */
#define DEBUG_EXIT 0xf4

void machine_exit(int status)
{
	port_out32(DEBUG_EXIT, (uint32_t)(status & 63) + 1);
	for (;;) {
		__asm__ volatile("cli; hlt");
	}
}

/* As the machine microvm has them. */
const struct machine_virtio machine_virtio = {
	.base = 0xfeb00000, .stride = 0x200, .count = 24, .irq = 0,
};
