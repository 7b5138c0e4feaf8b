/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - a program that attacks, the kernel's side: secrets, a victim in a domain of its own, and
 * a thread of the kernel's own, all of them paged, while attackers run one after the other.
 * Prints TAP.
 *
 *     tries=N  (100000) at random, beside a sweep of all pages       seed=N  of the first attacker
 */
#include <quire/domain.h>
#include <quire/user.h>

#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "tests/attack/attack.h"

USER_PROGRAM(attacker);
USER_PROGRAM(victim);

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define PAGE_WORDS (PAGE / sizeof(uint64_t))
#define SECRET_PAGES 24u
#define SECRET_WORDS (SECRET_PAGES * PAGE_WORDS)
#define SECRET(word) ((uint64_t)ATTACK_MARK_KERNEL << ATTACK_MARK_SHIFT | (word))
#define MEMORY_BYTES (80 * PAGE)
#define BREACHES_SHOWN 20u
#define PRIORITY 20u

static unsigned int test_count, failed_count;
static struct k_mem_domain attackers, victims;
static uint64_t *secret; /* pageable */
static uint64_t pinned_secret[PAGE_WORDS] QR_ALIGNED(CONFIG_MMU_PAGE_SIZE);
static uintptr_t victim_memory;
static volatile bool going_on;
static uint64_t try_count, breach_count, secrets_lost;

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
}

/* ---- system calls -------- */

static struct attack_range range(const void *begin, const void *end)
{
	return (struct attack_range){(uintptr_t)begin, (uintptr_t)end};
}

static intptr_t call_places(uintptr_t to, uintptr_t b, uintptr_t c, uintptr_t d)
{
	const struct attack_places places = {
		.space = {CONFIG_KERNEL_VM_BASE, CONFIG_KERNEL_VM_BASE + CONFIG_KERNEL_VM_SIZE},
		.own = {
			range(attacker_program.text, attacker_program.text_end),
			range(attacker_program.rodata, attacker_program.rodata_end),
			range(attacker_program.data, attacker_program.data_end),
		},
		.targets = {
			range(secret, secret + SECRET_WORDS),
			range(pinned_secret, pinned_secret + PAGE_WORDS),
			range(victim_program.data, victim_program.data_end),
			range(victim_program.text, victim_program.text_end),
			range(image_stack_first_begin, image_stack_first_end),
			range(image_text_begin, attacker_program.text),
		},
		.victim_memory = victim_memory,
	};

	(void)b, (void)c, (void)d;
	return k_usermode_to_copy((void *)to, &places, sizeof(places));
}

/* One buffer is enough: whoever finds it taken is told so. */
static intptr_t call_echo(uintptr_t from, uintptr_t to, uintptr_t bytes, uintptr_t d)
{
	static uint8_t buffer[ATTACK_ECHO_MAX];
	int status;

	(void)d;
	if (bytes > sizeof(buffer)) {
		return -EINVAL;
	}
	status = k_usermode_from_copy(buffer, (const void *)from, bytes);
	return status != 0 ? status : k_usermode_to_copy((void *)to, buffer, bytes);
}

static intptr_t call_string(uintptr_t text, uintptr_t max, uintptr_t c, uintptr_t d)
{
	char copy[256];
	size_t size = max < sizeof(copy) ? max : sizeof(copy);
	int status = k_usermode_string_copy(copy, (const char *)text, size);
	size_t length;

	(void)c, (void)d;
	if (status != 0) {
		return status;
	}
	length = k_usermode_string_nlen((const char *)text, size, &status);
	return status != 0 ? status : (intptr_t)length;
}

static intptr_t call_done(uintptr_t count, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)b, (void)c, (void)d;
	try_count += count;
	return 0;
}

static intptr_t call_breach(uintptr_t what, uintptr_t address, uintptr_t value, uintptr_t d)
{
	static const char *const names[] = {
		[ATTACK_READ] = "read",   [ATTACK_WRITE] = "written", [ATTACK_EXEC] = "executed",
		[ATTACK_CALL] = "called", [ATTACK_INSTRUCTION] = "instruction",
		[ATTACK_LEAK] = "leaked", [ATTACK_LOST] = "lost",
	};

	(void)d;
	if (breach_count++ < BREACHES_SHOWN) {
		kernel_printf("# %s: %p, %lx\n",
			      what < sizeof(names) / sizeof(names[0]) ? names[what] : "?",
			      (void *)address, value);
	}
	return 0;
}

static intptr_t call_go_on(uintptr_t memory, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)b, (void)c, (void)d;
	victim_memory = memory;
	return going_on;
}

static kernel_call *const calls[] = {
	[ATTACK_PLACES - SYSCALL_OWN] = call_places, [ATTACK_ECHO - SYSCALL_OWN] = call_echo,
	[ATTACK_STRING - SYSCALL_OWN] = call_string, [ATTACK_DONE - SYSCALL_OWN] = call_done,
	[ATTACK_BREACH - SYSCALL_OWN] = call_breach, [ATTACK_GO_ON - SYSCALL_OWN] = call_go_on,
};

/* ---- the kernel's secrets -------- */

static void secrets_check(void)
{
	for (size_t i = 0; i < SECRET_WORDS; i++) {
		secrets_lost += ((volatile uint64_t *)secret)[i] != SECRET(i);
	}
	for (size_t i = 0; i < PAGE_WORDS; i++) {
		secrets_lost += ((volatile uint64_t *)pinned_secret)[i] != SECRET(i);
	}
}

static void keeper(void *argument)
{
	(void)argument;
	while (going_on) {
		secrets_check();
		thread_yield();
	}
}

static bool secrets_make(void)
{
	secret = k_mem_map(SECRET_PAGES * PAGE, K_MEM_PERM_RW);
	for (size_t i = 0; secret && i < SECRET_WORDS; i++) {
		secret[i] = SECRET(i);
		pinned_secret[i % PAGE_WORDS] = SECRET(i % PAGE_WORDS);
	}
	return secret != NULL;
}

/* ---- attacks -------- */

static int attack(enum attack_mode mode, uint64_t seed)
{
	struct thread *thread = thread_start_user("attacker", PRIORITY, &attackers,
						  &attacker_program, seed << 8 | mode);

	return thread ? thread_join(thread, NULL) : -1;
}

static void attack_all(uint64_t seed)
{
	uint64_t rounds = kernel_option_number("tries", 100000) / ATTACK_RANDOM_TRIES;
	bool swept = true, ended = true;

	for (enum attack_mode mode = ATTACK_SWEEP_READ; mode <= ATTACK_SWEEP_EXEC; mode++) {
		swept = attack(mode, seed) == 0 && swept;
	}
	check(swept, "reading, writing and executing each page of the space is survived");
	for (uint64_t i = 0; i < rounds && ended; i++) {
		int status = attack(ATTACK_RANDOM, seed + i);

		ended = status == -EFAULT;
		if (!ended) {
			kernel_printf("# attacker with seed %lu: %d\n", seed + i, status);
		}
	}
	check(ended, "each attacker that went too far ended, and the next one could start");
}

static void test_attack(uint64_t seed)
{
	struct thread *victim, *keeping;

	going_on = true;
	victim = thread_start_user("victim", PRIORITY, &victims, &victim_program, 0);
	keeping = thread_start("keeper", PRIORITY, keeper, NULL);
	if (victim && keeping) {
		attack_all(seed);
	}
	going_on = false;
	check(victim && thread_join(victim, NULL) == 0, "the victim has what it had");
	check(keeping && thread_join(keeping, NULL) == 0, "a thread of the kernel's own lives on");
	secrets_check();
	check(secrets_lost == 0, "the kernel's secrets are as they were");
	check(breach_count == 0, "nothing went through, nothing leaked");
}

int app_main(void)
{
	size_t free_before = k_mem_free_get();
	uint64_t seed = kernel_option_number("seed", kernel_cycles() & 0xffffff);
	struct k_mem_paging_stats_t stats;
	bool made = secrets_make() &&
		    user_domain_init(&attackers, &attacker_program, MEMORY_BYTES, 0) == 0 &&
		    user_domain_init(&victims, &victim_program, MEMORY_BYTES, 0) == 0;

	kernel_printf("# seed=%lu\n", seed);
	check(made, "two programs, each in a domain of its own, and a secret");
	if (made) {
		kernel_calls_set(calls, sizeof(calls) / sizeof(calls[0]));
		test_attack(seed);
		check(k_mem_domain_deinit(&attackers) == 0 && k_mem_domain_deinit(&victims) == 0 &&
			      k_mem_unmap(secret, SECRET_PAGES * PAGE) == 0 &&
			      k_mem_free_get() == free_before,
		      "everything is given back");
	}
	k_mem_paging_stats_get(&stats);
	kernel_printf("# %lu tries, %lu breaches, %lu page-ins, %lu page-outs\n", try_count,
		      breach_count, stats.transfer.page_in, stats.transfer.page_out);
	check(stats.transfer.page_in > 1000 && stats.transfer.page_out > 1000,
	      "pages went out and came in meanwhile");
	check(try_count >= kernel_option_number("tries", 100000),
	      "as many tries as were asked for");
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0;
}
