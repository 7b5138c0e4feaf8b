/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_emu.c - the conformance suite on the emulated machine, with one entry format: once with a
 * CPU that sets accessed and dirty bits, and once with one that leaves it to software.
 */
#include <stdio.h>
#include <string.h>

#include <tests/core/rig.h>

#include "suite.h"

#define SPARE_BYTES 0x800000u

static void print(const char *line)
{
	puts(line);
}

#define DOMAIN_BYTES (32u * RIG_PAGE)

static int domain_init(struct k_mem_domain *domain)
{
	int status = k_mem_domain_init(domain, 0, NULL);

	return status != 0 ? status : k_mem_domain_limits_set(domain, DOMAIN_BYTES, 0);
}

static void domain_set(struct k_mem_domain *domain)
{
	qr_port_key_t key = qr_port_irq_lock();

	k_mem_domain_switch(domain);
	qr_port_irq_unlock(key);
}

static int user_read(const void *addr, uint64_t *word)
{
	return emu_read((uintptr_t)addr, word, sizeof(*word), K_MEM_FAULT_USER);
}

static int user_write(void *addr, uint64_t word)
{
	return emu_write((uintptr_t)addr, &word, sizeof(word), K_MEM_FAULT_USER);
}

static int exec(const void *addr)
{
	return emu_exec((uintptr_t)addr, 0);
}

static int user_exec(const void *addr)
{
	return emu_exec((uintptr_t)addr, K_MEM_FAULT_USER);
}

/* Nothing is run here: any content is code. */
static void code_put(void *addr)
{
	assert_int_equal(rig_write(addr, 0xc0de), 0);
}

static unsigned int run(const char *machine, const char *format, bool software,
			unsigned int first)
{
	const struct rig rig = {
		.frames = SUITE_FRAMES, .slots = 512, .software_flags = software,
		.device_bytes = SPARE_BYTES,
	};
	const struct suite_env env = {
		.machine = machine,
		.format = format,
		.flags = software ? "software" : "hardware",
		.print = print,
		.read = rig_read,
		.write = rig_write,
		.exec = exec,
		.domain_init = domain_init,
		.domain_set = domain_set,
		.user_read = user_read,
		.user_write = user_write,
		.user_exec = user_exec,
		.fences_user_code = true,
		.code_put = code_put,
		.text = (const void *)RIG_TEXT,
		.rodata = (const void *)RIG_RODATA,
		.data = (void *)RIG_DATA,
		.pinned_buffer = (void *)RIG_DATA,
		.pinned_bytes = RIG_PAGE,
		.spare_phys = RIG_DEVICE_PHYS,
		.spare_bytes = SPARE_BYTES,
	};
	struct rig_counts before, after;
	unsigned int failed;

	rig_start(&rig);
	before = rig_counts();
	failed = suite_run(&env, first);
	after = rig_counts();
	/* what the machine saw: uses of stale translations and other mistakes; what leaked */
	if (emu_errors() != 0) {
		printf("# the emulated machine reported %zu mistakes\n", emu_errors());
		failed++;
	}
	if (failed == 0) {
		rig_counts_equal(before, after);
	}
	return failed;
}

/* The program's name is that of the format it was built for, and perhaps "-wide" or "-tiny". */
int main(int count, char **arguments)
{
	char *slash = count > 0 ? strrchr(arguments[0], '/') : NULL;
	const char *format = slash != NULL ? strtok(slash + 1, "-") : "?";
	const char *rest = strtok(NULL, "-");
	const char *machine = rest != NULL && strcmp(rest, "tiny") == 0 ? rest : "emu";
	unsigned int failed;

	printf("1..%u\n", 2 * suite_count());
	failed = run(machine, format, false, 1);
	failed += run(machine, format, true, 1 + suite_count());
	return failed != 0;
}
