/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - descriptions of the image with which this kernel could not run, for image_test of
 * this folder: k_mem_init refuses each and says why. It is called again in a running kernel,
 * which is possible as long as it refuses: then it changes nothing.
 */
#include <quire/arch.h>
#include <quire/init.h>

#include "kernel/kernel.h"
#include "kernel/machine.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)

enum { TEXT, RODATA, DATA, STACK, STACK_BELOW, PIECES };

static struct k_mem_image image[PIECES];
static const struct k_mem_range bank = {0, 256 * CONFIG_MMU_PAGE_SIZE};

static struct k_mem_image piece(const uint8_t *begin, const uint8_t *end, uint32_t flags)
{
	return (struct k_mem_image){
		.virt = (void *)(uintptr_t)begin, .size = (size_t)(end - begin),
		.phys = image_phys(begin), .flags = flags,
	};
}

/* A page of the stack, which is in a frame somewhere. */
static struct k_mem_image stack_piece(uintptr_t at)
{
	struct k_mem_image stack = {.size = PAGE, .flags = K_MEM_PERM_RW};
	uint8_t *page = (uint8_t *)(at & ~(uintptr_t)(PAGE - 1));

	stack.virt = page;
	if (arch_page_phys_get(page, &stack.phys) != 0) {
		stack.size = 0;
	}
	return stack;
}

/* All pieces are right. The policy is not there, which is what is looked at last. */
static void fine(void)
{
	const uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	image[TEXT] = piece(image_text_begin, image_text_end, K_MEM_PERM_EXEC);
	image[RODATA] = piece(image_rodata_begin, image_rodata_end, 0);
	image[DATA] = piece(image_data_begin, image_data_end, K_MEM_PERM_RW);
	image[STACK] = stack_piece(here);
	image[STACK_BELOW] = stack_piece(here - PAGE);
}

static void refused(const char *name)
{
	const struct k_mem_config config = {
		.banks = &bank, .bank_count = 1, .image = image, .image_count = PIECES};
	int status;

	kernel_printf("# %s\n", name);
	status = k_mem_init(&config);
	if (status != -EINVAL) {
		kernel_printf("%s: %d\n", name, status);
		kernel_exit(1);
	}
	fine();
}

int app_main(void)
{
	fine();
	refused("all of it is right, but for the policy");
	image[TEXT].flags |= K_MEM_PERM_USER;
	refused("code for the kernel and for user mode");
	image[TEXT].flags = 0;
	refused("code that cannot be executed");
	image[STACK].flags = image[STACK_BELOW].flags = 0;
	refused("a stack that cannot be written");
	image[STACK].virt = image[STACK_BELOW].virt = image_end + 64 * PAGE;
	image[STACK_BELOW].virt = image_end + 65 * PAGE;
	refused("a stack that is not there");
	image[DATA].flags = 0;
	refused("data that cannot be written");
	image[DATA].flags |= K_MEM_PERM_USER;
	refused("data that user mode may change");
	image[DATA].phys += 0x10000000u;
	refused("tables where the CPU does not look for them");
	kernel_puts("still running\n");
	return 0;
}
