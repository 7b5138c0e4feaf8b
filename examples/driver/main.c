/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - a driver in user mode: a partition over a device's registers, in a domain that has
 * nothing else of the kernel's.
 *
 * Registers are opened by the page, so what else lies in that page is open, too: on microvm and
 * virt-arm64 seven more devices. And a device that reads and writes memory by itself reaches
 * all of it where the machine has no IOMMU: such a driver is kept from mistakes, not from malice.
 */
#include <quire/domain.h>

#include "examples/driver/driver.h"
#include "kernel/config.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/virtio.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define VIRTIO_ID_RANDOM 4u

USER_PROGRAM(random);

static struct k_mem_domain domain;

static bool open_page(void *page, k_mem_partition_attr_t rights)
{
	const struct k_mem_partition part = {(uintptr_t)page & ~(PAGE - 1), PAGE, rights};

	return k_mem_domain_add_partition(&domain, &part) == 0;
}

/* The registers of the first entropy device, mapped uncached; NULL: there is none. */
static uint8_t *device_map(void)
{
	for (unsigned int i = 0; i < machine_virtio.count; i++) {
		uint8_t *registers = NULL;

		if (k_mem_map_phys_bare(&registers, machine_virtio.base + i * machine_virtio.stride,
					machine_virtio.stride,
					K_MEM_PERM_RW | K_MEM_CACHE_NONE) != 0) {
			return NULL;
		}
		if (virtio_is(registers, VIRTIO_ID_RANDOM)) {
			return registers;
		}
		if (k_mem_unmap_phys_bare(registers, machine_virtio.stride) != 0) {
			return NULL;
		}
	}
	return NULL;
}

int app_main(void)
{
	struct driver_info *info = k_mem_map(PAGE, K_MEM_PERM_RW);
	uint8_t *registers = device_map();
	struct thread *thread;
	int status;

	if (!info || !registers ||
	    user_domain_init(&domain, &random_program, CONFIG_KERNEL_USER_STACK_BYTES, 0) != 0 ||
	    !open_page(info, K_MEM_PARTITION_P_RW_U_RO) ||
	    !open_page(registers, K_MEM_PARTITION_P_RW_U_RW)) {
		kernel_puts("driver: no entropy device, or too little memory\n");
		return 1;
	}
	*info = (struct driver_info){
		.registers = (uintptr_t)registers,
		.image_offset = (uintptr_t)CONFIG_KERNEL_IMAGE_OFFSET,
	};
	thread = thread_start_user("driver", 20, &domain, &random_program, (uintptr_t)info);
	status = thread ? thread_join(thread, NULL) : -ENOMEM;
	kernel_printf("driver: ended with %d\n", status);
	return status != 0;
}
