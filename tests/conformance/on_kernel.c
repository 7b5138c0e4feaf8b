/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_kernel.c - the conformance suite on the reference kernel: a real MMU, real faults.
 *
 *     option         meaning
 *     spare=ADDRESS  physical RAM behind what `frames` and `ramstore` use, SPARE_BYTES of it
 *     fence=N        from what the CPU keeps the kernel: 1 user mode's code, 2 its memory
 *     machine=NAME format=NAME flags=NAME   for the table of machines
 */
#include <quire/fault.h>
#include <quire/init.h>
#include <quire/user.h>

#include "kernel/kernel.h"
#include "prober.h"
#include "suite.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define SPARE_BYTES 0x400000u
#define CODE_BYTES 16u
#define BUFFER_PAGES 5u

K_MEM_PINNED_BUFFER_DEFINE(buffer, BUFFER_PAGES * CONFIG_MMU_PAGE_SIZE, CONFIG_MMU_PAGE_SIZE);
static QR_ALIGNED(CONFIG_MMU_PAGE_SIZE) uint64_t data[CONFIG_MMU_PAGE_SIZE / 8];
static const QR_ALIGNED(CONFIG_MMU_PAGE_SIZE) uint64_t rodata[CONFIG_MMU_PAGE_SIZE / 8] = {1};

static void print(const char *line)
{
	kernel_printf("%s\n", line);
}

/* The first byte takes the fault, if there is one; the rest lies in the same page. */
static int read_word(const void *addr, uint64_t *word)
{
	uint8_t byte;
	int status = kernel_try_read(addr, &byte);

	if (status == 0) {
		*word = *(const volatile uint64_t *)addr;
	}
	return status;
}

static int write_word(void *addr, uint64_t word)
{
	int status = kernel_try_write(addr, (uint8_t)word);

	if (status == 0) {
		*(volatile uint64_t *)addr = word;
	}
	return status;
}

/* A function that does nothing is code that runs anywhere. */
static QR_NOINLINE QR_ALIGNED(CODE_BYTES) void nothing(void)
{
}

static void code_put(void *addr)
{
	__builtin_memcpy(addr, (const void *)(uintptr_t)nothing, CODE_BYTES);
	code_sync(addr, CODE_BYTES);
}

/* ---- user mode ------------------------------------------------------------------------------ */

USER_PROGRAM(prober);

#define DOMAIN_BYTES (32 * PAGE)

/* Of what tries nothing in a domain of the suite's; where the next access is tried. */
static struct k_mem_domain home, *probed = &home;
static struct probe probe;

static int domain_init(struct k_mem_domain *domain)
{
	return user_domain_init(domain, &prober_program, DOMAIN_BYTES, 0);
}

static void domain_set(struct k_mem_domain *domain)
{
	probed = domain ? domain : &home;
}

static intptr_t call_get(uintptr_t to, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)b, (void)c, (void)d;
	return k_usermode_to_copy((void *)to, &probe, sizeof(probe));
}

static intptr_t call_done(uintptr_t status, uintptr_t word, uintptr_t c, uintptr_t d)
{
	(void)c, (void)d;
	probe.status = (int32_t)status;
	probe.word = word;
	return 0;
}

static kernel_call *const calls[] = {
	[PROBE_GET - SYSCALL_OWN] = call_get,
	[PROBE_DONE - SYSCALL_OWN] = call_done,
};

/* One access, by a thread that lives for it. */
static int user_access(enum probe_kind kind, const void *addr, uint64_t *word)
{
	struct thread *thread;

	probe = (struct probe){.address = (uintptr_t)addr, .word = *word, .kind = kind,
			       .status = PROBE_UNKNOWN};
	thread = thread_start_user("prober", 10, probed, &prober_program, 0);
	if (!thread || thread_join(thread, NULL) != 0) {
		return PROBE_UNKNOWN;
	}
	*word = probe.word;
	return probe.status;
}

static int user_read(const void *addr, uint64_t *word)
{
	return user_access(PROBE_READ, addr, word);
}

static int user_write(void *addr, uint64_t word)
{
	return user_access(PROBE_WRITE, addr, &word);
}

static int user_exec(const void *addr)
{
	uint64_t word = 0;

	return user_access(PROBE_EXEC, addr, &word);
}

static int run(void)
{
	static char machine[16] = "?", format[16] = "?", flags[16] = "hardware";
	const struct suite_env env = {
		.machine = machine,
		.format = format,
		.flags = flags,
		.print = print,
		.read = read_word,
		.write = write_word,
		.exec = kernel_try_exec,
		.fences_user_code = kernel_option_number("fence", 3) & 1,
		.fences_user_memory = kernel_option_number("fence", 3) & 2,
		.domain_init = domain_init,
		.domain_set = domain_set,
		.user_read = user_read,
		.user_write = user_write,
		.user_exec = user_exec,
		.code_put = code_put,
		.text = (const void *)(uintptr_t)nothing,
		.rodata = rodata,
		.data = data,
		.pinned_buffer = buffer,
		.pinned_bytes = sizeof(buffer),
		.spare_phys = (uintptr_t)kernel_option_number("spare", 0),
		.spare_bytes = SPARE_BYTES,
	};

	kernel_option("machine", machine, sizeof(machine));
	kernel_option("format", format, sizeof(format));
	kernel_option("flags", flags, sizeof(flags));
	if (env.spare_phys == 0) {
		kernel_printf("conformance: option spare is missing\n");
		return 2;
	}
	kernel_printf("1..%u\n", suite_count());
	return suite_run(&env, 1) != 0;
}

int app_main(void)
{
	if (domain_init(&home) != 0) {
		kernel_printf("conformance: no domain for user mode\n");
		return 2;
	}
	kernel_calls_set(calls, sizeof(calls) / sizeof(calls[0]));
	return run();
}
