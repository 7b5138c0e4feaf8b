/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.c - the machine as QEMU makes it (virt): RAM, command line, console, the end.
 *
 * The serial port is the firmware's, which says a lot there before it starts the kernel. The
 * kernel's console is semihosting's.
 */
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/riscv64/local.h"

#include <cpu.h>
#include <tree.h>

/* Where the image begins, as if all of it were linked high. */
extern uint8_t image_load[];

/* The command line begins with the name of the kernel's file. `ram` is tools/qemu's word for
 * how many bytes of RAM there are; below the image they are the firmware's. */
void machine_boot_read(uintptr_t boot_info, struct machine_boot *boot)
{
	struct {
		char *buffer;
		uintptr_t size;
	} argument = {boot->command_line, sizeof(boot->command_line)};
	uintptr_t firmware_bytes = image_phys(image_load) - TREE_RAM_BASE0;
	uint64_t bytes;

	(void)boot_info;
	if (semihost_call(SEMIHOST_COMMAND_LINE, &argument) != 0) {
		kernel_panic(NULL, "no command line, or a long one");
	}
	bytes = kernel_option_number("ram", 0);
	if (bytes <= firmware_bytes) {
		kernel_panic(NULL, "the option ram does not say how many bytes there are");
	}
	boot->ram[0] = (struct k_mem_range){image_phys(image_load), bytes - firmware_bytes};
	boot->ram_count = 1;
}

void machine_early_start(void)
{
	trap_start();
}

bool machine_console_put(char c)
{
	(void)semihost_call(SEMIHOST_WRITE_CHARACTER, &c);
	return true;
}

void machine_exit(int status)
{
	const uintptr_t argument[] = {
		SEMIHOST_EXIT_REASON, EXIT_BASE + ((uintptr_t)status & 63),
	};

	for (;;) {
		(void)semihost_call(SEMIHOST_EXIT, argument);
	}
}

uint64_t cpu_waited_cycles;

void cpu_wait(void)
{
	uint64_t begin = cpu_cycles();

	__asm__ volatile("wfi" : : : "memory");
	cpu_waited_cycles += cpu_cycles() - begin - 2; /* WFI and a reading are no waiting */
	irq_enable();
	irq_disable();
}

const struct machine_virtio machine_virtio = {
	.base = TREE_VIRTIO_BASE0, .stride = TREE_VIRTIO_STRIDE, .count = TREE_VIRTIO_COUNT,
	.irq = TREE_VIRTIO_IRQ0,
};
