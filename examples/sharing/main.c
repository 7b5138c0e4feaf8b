/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - two programs that share a page and keep one each to themselves.
 *
 *     page      left    right
 *     box       rw      rw
 *     own[0]    rw      -
 *     own[1]    -       rw
 *
 * Every domain maps every page to the same place; what differs is who may touch it.
 */
#include <quire/domain.h>

#include "examples/sharing/box.h"
#include "kernel/config.h"
#include "kernel/kernel.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)

USER_PROGRAM(left);
USER_PROGRAM(right);

static struct k_mem_domain domains[2];

static bool open_page(struct k_mem_domain *domain, void *page)
{
	const struct k_mem_partition part = {(uintptr_t)page, PAGE, K_MEM_PARTITION_P_RW_U_RW};

	return k_mem_domain_add_partition(domain, &part) == 0;
}

/* The program's domain, with the box and the page of its own. */
static bool domain_make(unsigned int side, const struct user_program *program, struct box *box)
{
	void *own = k_mem_map(PAGE, K_MEM_PERM_RW);

	box->own[side] = (uintptr_t)own;
	return own &&
	       user_domain_init(&domains[side], program, CONFIG_KERNEL_USER_STACK_BYTES, 0) == 0 &&
	       open_page(&domains[side], box) && open_page(&domains[side], own);
}

int app_main(void)
{
	struct box *box = k_mem_map(PAGE, K_MEM_PERM_RW);
	struct thread *threads[2];
	int status[2];

	if (!box || !domain_make(0, &left_program, box) || !domain_make(1, &right_program, box)) {
		kernel_puts("sharing: too little memory\n");
		return 1;
	}
	threads[0] = thread_start_user("left", 20, &domains[0], &left_program, (uintptr_t)box);
	threads[1] = thread_start_user("right", 20, &domains[1], &right_program, (uintptr_t)box);
	for (unsigned int i = 0; i < 2; i++) {
		status[i] = threads[i] ? thread_join(threads[i], NULL) : -ENOMEM;
	}
	kernel_printf("sharing: left ended with %d, right with %d\n", status[0], status[1]);
	return status[0] != 0 || status[1] != 0;
}
