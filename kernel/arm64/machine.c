/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.c - the machine as QEMU makes it (virt): semihosting, the serial port, the end.
 *
 * Semihosting is a call to the emulator, by an instruction, that needs no device. It gives
 * the command line and takes the exit status, and prints until the serial port is mapped.
 * Option `ram=BYTES` (tools/qemu) says how much RAM there is.
 */
#include "kernel/arm64/local.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/mmio.h"

#include <tree.h>

/* ---- semihosting (Arm's "Semihosting for AArch32 and AArch64") ------------------------- */

#define SEMIHOSTING_WRITE_CHARACTER 0x03
#define SEMIHOSTING_COMMAND_LINE    0x15
#define SEMIHOSTING_EXIT            0x18

#define EXIT_APPLICATION 0x20026

static uint64_t semihosting(uint64_t operation, const void *argument)
{
	register uint64_t x0 __asm__("x0") = operation;
	register const void *x1 __asm__("x1") = argument;

	__asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
	return x0;
}

/* kernel_option() reads what is copied to `boot`. */
void machine_boot_read(uintptr_t boot_info, struct machine_boot *boot)
{
	const struct {
		char *text;
		uint64_t bytes;
	} argument = {boot->command_line, sizeof(boot->command_line)};
	uint64_t bytes;

	(void)boot_info;
	if (semihosting(SEMIHOSTING_COMMAND_LINE, &argument) != 0) {
		kernel_panic(NULL, "no command line, or a too long one");
	}
	bytes = kernel_option_number("ram", 0);
	if (bytes == 0) {
		kernel_panic(NULL, "no option ram= on the command line");
	}
	boot->ram[0] = (struct k_mem_range){TREE_RAM_BASE0, bytes};
	boot->ram_count = 1;
}

/* tools/qemu takes it off again; QEMU's own errors are below. */
#define EXIT_FIRST 64

void machine_exit(int status)
{
	const uint64_t argument[] = {EXIT_APPLICATION, (uint64_t)(status & 63) + EXIT_FIRST};

	semihosting(SEMIHOSTING_EXIT, argument);
	for (;;) {
		__asm__ volatile("wfi");
	}
}

/* ---- serial port: a PL011 ---------------------------------------------------------------- */

#define UART_DATA    0x000
#define UART_FLAGS   0x018
#define UART_LINE    0x02c
#define UART_CONTROL 0x030
#define UART_FULL    (1u << 5)
#define UART_8_BITS  0x70u  /* with FIFOs */
#define UART_SEND    0x101u /* on, transmitting */

static uint8_t *uart;

static void uart_start(void)
{
	uint8_t *registers = registers_map(TREE_UART_BASE0);

	mmio_write(registers, UART_LINE, UART_8_BITS);
	mmio_write(registers, UART_CONTROL, UART_SEND);
	uart = registers;
}

bool machine_console_put(char c)
{
	if (!uart) {
		semihosting(SEMIHOSTING_WRITE_CHARACTER, &c);
		return true;
	}
	if (mmio_read(uart, UART_FLAGS) & UART_FULL) {
		return false;
	}
	mmio_write(uart, UART_DATA, (uint8_t)c);
	return true;
}

/* ---- start ---------------------------------------------------------------------------------- */

/* Let the cycle counter run, all of its 64 bits. In QEMU it counts nanoseconds, so with
 * -icount shift=0 it counts instructions. */
#define PMCR_ON   0x41u /* E, LC */
#define PMU_CYCLE ((uint64_t)1 << 31)

static void cycles_start(void)
{
	__asm__ volatile("msr pmccfiltr_el0, xzr\n\t"
			 "msr pmcntenset_el0, %0\n\t"
			 "msr pmcr_el0, %1\n\t"
			 "isb"
			 : : "r"(PMU_CYCLE), "r"((uint64_t)PMCR_ON) : "memory");
}

void machine_early_start(void)
{
	trap_start();
	cycles_start();
}

void machine_start(void)
{
	uart_start();
	gic_start();
}
