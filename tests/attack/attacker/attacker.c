/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attacker.c - tries everything that user mode may not do, and says what went through.
 *
 * Each try is one access, instruction or system call. What is refused comes back to it
 * (user_try). It leaves its own memory alone, or could not go on.
 */
#include <quire/compiler.h>

#include "apps/user/user.h"
#include "tests/attack/attack.h"

#define PAGE ((uintptr_t)CONFIG_MMU_PAGE_SIZE)
#define OWN_PAGES 16u
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Everything of one thread: the program's variables are shared by all attackers. */
struct attacker {
	struct attack_places places;
	struct syscall_info info;
	uint64_t *memory; /* OWN_PAGES, each word its own address */
	uint64_t random;
	uint64_t tries;
};

static uint64_t random_next(struct attacker *self)
{
	self->random = self->random * 6364136223846793005u + 1442695040888963407u;
	return self->random >> 29;
}

static void breach(enum attack_what what, uintptr_t address, uint64_t value)
{
	(void)user_call(ATTACK_BREACH, what, address, value, 0);
}

/* ---- what is its own -------- */

/* Is any byte of [address, address + size) in the range? */
static bool meets(uintptr_t address, size_t size, uintptr_t begin, uintptr_t end)
{
	return address < end && (address >= begin || begin - address < size);
}

static bool own(const struct attacker *self, uintptr_t address, size_t size)
{
	const uintptr_t memory = (uintptr_t)self->memory;

	for (size_t i = 0; i < COUNT(self->places.own); i++) {
		if (meets(address, size, self->places.own[i].begin, self->places.own[i].end)) {
			return true;
		}
	}
	return meets(address, size, self->info.stack_begin, self->info.stack_end) ||
	       meets(address, size, memory, memory + OWN_PAGES * PAGE);
}

/* ---- single tries -------- */

struct word {
	uintptr_t address;
	uint64_t value;
};

static void word_read(void *argument)
{
	struct word *word = argument;

	word->value = *(const volatile uint64_t *)word->address;
}

static void try_read(struct attacker *self, uintptr_t address)
{
	struct word word = {.address = address & ~(uintptr_t)7};
	uint64_t mark;

	self->tries++;
	if (user_try(word_read, &word) != 0 || own(self, word.address, sizeof(word.value))) {
		return;
	}
	mark = word.value >> ATTACK_MARK_SHIFT;
	breach(mark == ATTACK_MARK_KERNEL || mark == ATTACK_MARK_VICTIM ? ATTACK_LEAK : ATTACK_READ,
	       word.address, word.value);
}

static void try_write(struct attacker *self, uintptr_t address)
{
	if (own(self, address, 1)) {
		return;
	}
	self->tries++;
	if (user_try_write((volatile void *)address, 0x41) == 0) {
		breach(ATTACK_WRITE, address, 0);
	}
}

/* Its own code it would run; code is at addresses that are multiples of four. */
static void try_exec(struct attacker *self, uintptr_t address)
{
	const struct attack_range *text = &self->places.own[0];

	address &= ~(uintptr_t)3;
	if (meets(address, 4, text->begin, text->end)) {
		return;
	}
	self->tries++;
	if (user_try_exec((const void *)address) == 0) {
		breach(ATTACK_EXEC, address, 0);
	}
}

static void privileged(void *argument)
{
	user_privileged(*(unsigned int *)argument);
}

static void illegal(void *argument)
{
	(void)argument;
	__builtin_trap();
}

static void try_instruction(struct attacker *self)
{
	unsigned int which = (unsigned int)random_next(self) % (USER_PRIVILEGED_COUNT + 1);

	self->tries++;
	if (user_try(which < USER_PRIVILEGED_COUNT ? privileged : illegal, &which) == 0) {
		breach(ATTACK_INSTRUCTION, which, 0);
	}
}

/* ---- places and numbers -------- */

static uintptr_t address_in(struct attacker *self, uintptr_t begin, uintptr_t end)
{
	return end > begin ? begin + random_next(self) % (end - begin) : begin;
}

/* Somewhere interesting, mostly not its own. */
static uintptr_t address_any(struct attacker *self)
{
	const struct attack_places *places = &self->places;
	const struct attack_range *target = &places->targets[random_next(self) % ATTACK_TARGETS];
	uintptr_t victim = places->victim_memory ? places->victim_memory : target->begin;

	switch (random_next(self) % 10) {
	case 0:
		return address_in(self, places->space.begin, places->space.end);
	case 1:
	case 2:
		return address_in(self, target->begin, target->end);
	case 3: /* around an edge: guards of stacks, the first and the last byte of a piece */
		return target->end - 16 + random_next(self) % 32;
	case 4:
		return target->begin - 16 + random_next(self) % 32;
	case 5:
		return address_in(self, victim - PAGE, victim + (ATTACK_VICTIM_PAGES + 1) * PAGE);
	case 6: /* guards of its own */
		return random_next(self) % 2 ? self->info.stack_begin - 1 - random_next(self) % PAGE
					     : (uintptr_t)self->memory + OWN_PAGES * PAGE +
						       random_next(self) % PAGE;
	case 7: /* the ends of the space and of all addresses */
		return (random_next(self) % 2 ? places->space.end : 0) - 64 +
		       random_next(self) % 128;
	case 8: /* in no half of the addresses; anywhere */
		return random_next(self) << 29 ^ random_next(self);
	default: /* the kernel where it is in memory */
		return target->begin - CONFIG_KERNEL_IMAGE_OFFSET + random_next(self) % PAGE;
	}
}

static uint64_t number_any(struct attacker *self)
{
	static const uint64_t numbers[] = {
		0, 1, 7, 8, 511, 512, 513, 4095, 4096, 4097, 8192, 65536, (uint64_t)1 << 31,
		(uint64_t)1 << 32, (uint64_t)1 << 47, (uint64_t)1 << 63, (uint64_t)-4096,
		(uint64_t)-8, (uint64_t)-1,
	};

	return random_next(self) % 4 ? numbers[random_next(self) % COUNT(numbers)]
				     : random_next(self) << 29 ^ random_next(self);
}

/* ---- system calls -------- */

/* A buffer that is not its own, or not all of it: the call must refuse it. */
static void try_call_foreign(struct attacker *self)
{
	uintptr_t address = address_any(self), mine = (uintptr_t)self->memory;
	size_t size = 1 + random_next(self) % 1024;
	intptr_t status;

	if (random_next(self) % 4 == 0) { /* begins in its own memory, and goes on behind it */
		address = mine + OWN_PAGES * PAGE - 1 - random_next(self) % size;
		size += 1 + size % 3;
	} else if (own(self, address, sizeof(struct syscall_info) + size)) {
		return;
	}
	self->tries++;
	switch (random_next(self) % (own(self, address, 1) ? 1 : 5)) {
	case 0:
		status = user_call(ATTACK_ECHO, address, mine, size, 0);
		break;
	case 1:
		status = user_call(ATTACK_ECHO, mine, address, size, 0);
		break;
	case 2:
		status = user_call(SYSCALL_INFO, address, 0, 0, 0);
		break;
	case 3:
		status = user_call(ATTACK_STRING, address, size, 0, 0);
		break;
	default:
		status = user_call(SYSCALL_PRINT, address, size, 0, 0);
	}
	if (status >= 0) {
		breach(ATTACK_CALL, address, size);
	}
}

/* Its own memory went through the kernel: every word must still say where it is. */
static void try_echo(struct attacker *self)
{
	size_t words = OWN_PAGES * PAGE / sizeof(uint64_t), at = random_next(self) % words;
	size_t size = 1 + random_next(self) % ATTACK_ECHO_MAX;
	uintptr_t from = (uintptr_t)&self->memory[at];

	self->tries++;
	if (size > (words - at) * sizeof(uint64_t)) {
		size = (words - at) * sizeof(uint64_t);
	}
	if (user_call(ATTACK_ECHO, from, from, size, 0) != 0) {
		breach(ATTACK_CALL, from, size);
	}
	for (size_t i = at; i < words && i < at + size / sizeof(uint64_t); i++) {
		if (self->memory[i] != (uintptr_t)&self->memory[i]) {
			breach(ATTACK_LOST, (uintptr_t)&self->memory[i], self->memory[i]);
		}
	}
}

/* Any number with anything, but what would stop it: exit, a sleep, and unmapping what it stands
 * on. Whatever it is answered, the kernel must go on; what it was given it gives back. */
static void try_call_any(struct attacker *self)
{
	uint64_t words[4], number = random_next(self) % 96;
	intptr_t result;

	number = random_next(self) % 8 ? number : number_any(self);
	for (size_t i = 0; i < COUNT(words); i++) {
		words[i] = random_next(self) % 2 ? address_any(self) : number_any(self);
	}
	if (number == SYSCALL_EXIT || number == SYSCALL_SLEEP || number == ATTACK_DONE ||
	    number == ATTACK_BREACH || number == ATTACK_GO_ON ||
	    (number == SYSCALL_UNMAP && own(self, words[0], 1)) ||
	    ((number == SYSCALL_INFO || number == ATTACK_PLACES) &&
	     own(self, words[0], sizeof(struct attack_places))) ||
	    (number == ATTACK_ECHO && own(self, words[1], 1)) || number == SYSCALL_PRINT) {
		return;
	}
	self->tries++;
	result = user_call(number, words[0], words[1], words[2], words[3]);
	if (number == SYSCALL_MAP && (uintptr_t)result <= (uintptr_t)SYSCALL_ERRORS &&
	    user_unmap((void *)result, words[0]) != 0) {
		breach(ATTACK_LOST, (uintptr_t)result, words[0]);
	}
}

/* Memory that is given to it was somebody's before. */
static void try_new_memory(struct attacker *self)
{
	size_t size = (1 + random_next(self) % 4) * PAGE;
	uint64_t *memory = user_map(size);

	self->tries++;
	if (!memory) {
		return;
	}
	for (size_t i = 0; i < size / sizeof(*memory); i++) {
		if (memory[i] != 0) {
			breach(ATTACK_LEAK, (uintptr_t)&memory[i], memory[i]);
		}
	}
	memory[random_next(self) % (size / sizeof(*memory))] = 1;
	if (user_unmap(memory, size) != 0) {
		breach(ATTACK_LOST, (uintptr_t)memory, size);
	}
}

/* ---- what is left in flags and registers -------- */

struct flag {
	unsigned int which;
	uintptr_t number; /* of a system call; 0: it a byte is touched */
	uintptr_t address;
	size_t size;
};

static void flag_use(void *argument)
{
	const struct flag *flag = argument;

	if (flag->number == 0) {
		(void)user_touch_flag(flag->which, (volatile void *)flag->address);
	} else {
		(void)user_call_flag(flag->which, flag->number, flag->address, flag->address,
				     flag->size);
	}
}

/* Its own memory, or what it may not touch, with a flag set: the kernel finds out by itself if it
 * runs with one. */
static void try_flag(struct attacker *self)
{
	static const uintptr_t numbers[] = {
		0, 0, SYSCALL_YIELD, SYSCALL_INFO, ATTACK_ECHO, ATTACK_STRING,
	};
	struct flag flag = {
		.which = (unsigned int)random_next(self) % USER_FLAGS_COUNT,
		.number = numbers[random_next(self) % COUNT(numbers)],
		.address = (uintptr_t)self->memory + random_next(self) % OWN_PAGES * PAGE,
		.size = PAGE,
	};

	if (flag.number == SYSCALL_INFO || random_next(self) % 4 == 0) {
		flag.address = address_any(self);
		if (own(self, flag.address, sizeof(struct syscall_info) + PAGE)) {
			return;
		}
	}
	self->tries++;
	(void)user_try(flag_use, &flag);
}

static void try_left(struct attacker *self)
{
	uintptr_t left = user_left();

	self->tries++;
	if (left != 0) {
		breach(ATTACK_LEAK, 0, left);
	}
}

static void try_any(struct attacker *self)
{
	switch (random_next(self) % 18) {
	case 0:
	case 1:
	case 2:
		try_read(self, address_any(self));
		break;
	case 3:
	case 4:
	case 5:
		try_write(self, address_any(self));
		break;
	case 6:
	case 7:
		try_exec(self, address_any(self));
		break;
	case 8:
		try_instruction(self);
		break;
	case 9:
		try_echo(self);
		break;
	case 10:
		try_new_memory(self);
		break;
	case 11:
	case 12:
	case 13:
		try_call_foreign(self);
		break;
	case 14:
		try_flag(self);
		break;
	case 15:
		try_left(self);
		break;
	default:
		try_call_any(self);
	}
}

/* ---- all together -------- */

static void sweep(struct attacker *self, enum attack_mode mode)
{
	void (*const tries[])(struct attacker *, uintptr_t) = {
		[ATTACK_SWEEP_READ] = try_read,
		[ATTACK_SWEEP_WRITE] = try_write,
		[ATTACK_SWEEP_EXEC] = try_exec,
	};

	for (uintptr_t page = self->places.space.begin; page != self->places.space.end;
	     page += PAGE) {
		tries[mode](self, page + (random_next(self) % PAGE & ~(uintptr_t)7));
	}
}

/* What no user_try() catches: the thread ends, and nothing else. */
static void end(struct attacker *self)
{
	uintptr_t address = self->places.targets[random_next(self) % ATTACK_TARGETS].begin;

	switch (random_next(self) % 6) {
	case 0:
		*(volatile uint8_t *)address = 0;
		break;
	case 1:
		((void (*)(void))address)();
		break;
	case 2: /* the stack that it stands on */
		(void)user_unmap((void *)(uintptr_t)self->info.stack_begin,
				 self->info.stack_end - self->info.stack_begin);
		break;
	case 3: /* it goes on where there is nothing, and nowhere the second time */
		(void)user_call(SYSCALL_TRY, self->places.space.begin, address, 0, 0);
		*(volatile uint8_t *)address = 0;
		break;
	case 4:
		user_privileged(0);
		break;
	default:
		__builtin_trap();
	}
}

int user_main(uintptr_t argument)
{
	struct attacker self = {.random = argument};
	enum attack_mode mode = argument & 255;

	if (user_call(ATTACK_PLACES, (uintptr_t)&self.places, 0, 0, 0) != 0 ||
	    user_info(&self.info) != 0 || !(self.memory = user_map(OWN_PAGES * PAGE))) {
		return __LINE__;
	}
	for (size_t i = 0; i < OWN_PAGES * PAGE / sizeof(uint64_t); i++) {
		self.memory[i] = (uintptr_t)&self.memory[i];
	}
	if (mode == ATTACK_RANDOM) {
		for (unsigned int i = 0; i < ATTACK_RANDOM_TRIES; i++) {
			try_any(&self);
			if (i % 32 == 0) {
				user_yield();
			}
		}
	} else {
		sweep(&self, mode);
	}
	(void)user_call(ATTACK_DONE, self.tries, 0, 0, 0);
	if (user_unmap(self.memory, OWN_PAGES * PAGE) != 0) {
		return __LINE__;
	}
	if (mode == ATTACK_RANDOM) {
		end(&self);
	}
	return 0;
}
