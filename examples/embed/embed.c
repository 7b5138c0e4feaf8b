/* SPDX-License-Identifier: Apache-2.0 */
/* embed.c - the smallest host of Quire: 48 pages of memory in 16 page frames. */
#include <stdio.h>
#include <stdlib.h>

#include <emu.h> /* a machine in C; on a real one: your boot and trap code */
#include <quire/init.h>
#include <quire/port.h>
#include <quire/ramstore.h>

#define PAGE 4096u

/* One CPU, nothing sleeps: the host kernel gives these four. */
qr_port_key_t qr_port_lock(void) { return 0; }
void qr_port_unlock(qr_port_key_t key) { (void)key; }
void qr_port_print(const char *text) { fputs(text, stdout); }
void qr_port_panic(const char *what) { fputs(what, stderr), abort(); }

static int trap(const struct qr_fault *fault)
{
	return k_mem_page_fault(fault->address, fault->access);
}

int main(void)
{
	static uint8_t disk[64 * PAGE];
	static uint64_t words[K_MEM_SLOT_MAP_WORDS(64)];
	static struct k_mem_ram_store ram;
	struct k_mem_store store;
	struct k_mem_range bank = {.phys = 0x100000, .size = 16 * PAGE};
	struct k_mem_config config = {&bank, 1, NULL, 0, NULL, 0, &store, 1, &k_mem_policy_clock};
	struct k_mem_paging_stats_t stats;

	if (emu_init(bank.phys, bank.size) || k_mem_ram_store_init(&store, &ram, disk, 64, words) ||
	    k_mem_init(&config)) {
		return 1;
	}
	emu_fault = trap;

	uintptr_t memory = (uintptr_t)k_mem_map(48 * PAGE, K_MEM_PERM_RW);
	for (size_t i = 0; i < 48; i++) { /* touching more than there is: pages move to the disk */
		if (emu_write(memory + i * PAGE, &i, sizeof(i), 0)) {
			return 1;
		}
	}
	if (k_mem_page_out((void *)memory, PAGE) || k_mem_page_in((void *)memory, 8 * PAGE)) {
		return 1;
	}
	for (size_t i = 0, found; i < 48; i++) {
		if (emu_read(memory + i * PAGE, &found, sizeof(found), 0) || found != i) {
			return 1;
		}
	}
	k_mem_paging_stats_get(&stats);
	printf("48 pages in 16 frames: %lu faults, %lu page-ins, %lu page-outs, nothing lost\n",
	       stats.pagefaults.cnt, stats.transfer.page_in, stats.transfer.page_out);
	return k_mem_unmap((void *)memory, 48 * PAGE) || emu_errors() != 0;
}
