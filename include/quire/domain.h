/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/domain.h - memory domains: what user threads may touch. With CONFIG_USERSPACE; without, all
 * of it is -K_MEM_ENOTSUP or nothing.
 *
 * A domain is a set of partitions; a partition is a range of mapped memory with the rights that
 * the domain's threads have there. Every domain maps every address to the same place as the
 * kernel does (law L11); only rights differ, in the partitions. Memory that is mapped with
 * K_MEM_PERM_USER is open to all domains, as far as no partition says otherwise.
 *
 * A domain costs page tables by its partitions, from a pool fixed at build time
 * (CONFIG_MEM_DOMAIN_TABLES): one leaf table for each stretch of addresses (2 MiB with 4 KiB
 * pages) that a partition touches, and the path to them.
 *
 * Common to every function below, where it does not say otherwise: called from threads, the mm
 * lock not held; may sleep, to wait for another change of a domain. All or nothing: after an error
 * everything is as before. NULL for a domain, a partition, also in a list, or a result is -EINVAL
 * (quire/mm.h); for a thread it is the running one.
 */
#ifndef QUIRE_DOMAIN_H
#define QUIRE_DOMAIN_H

#include <quire/arch.h>
#include <quire/compiler.h>
#include <quire/mm.h>

QR_EXTERN_C_BEGIN

/* ---- partitions ---------------------------------------------------------------------- */

/* Rights in a partition, of the kernel (P) and of user mode (U): flags K_MEM_PERM_*. While a
 * thread of the domain runs, the kernel has no more rights to pages of U than user mode has, and
 * reaches them by the functions of quire/user.h only. */
typedef uint32_t k_mem_partition_attr_t;
#define K_MEM_PARTITION_P_RW_U_RW (K_MEM_PERM_RW | K_MEM_PERM_USER)
#define K_MEM_PARTITION_P_RW_U_RO K_MEM_PERM_USER
#define K_MEM_PARTITION_P_RW_U_NA K_MEM_PERM_RW
#define K_MEM_PARTITION_P_RO_U_RO K_MEM_PERM_USER
#define K_MEM_PARTITION_P_RO_U_NA 0u
#define K_MEM_PARTITION_P_RX_U_RX (K_MEM_PERM_EXEC | K_MEM_PERM_USER)
#define K_MEM_PARTITION_P_RX_U_NA K_MEM_PERM_EXEC

#define K_MEM_PARTITION_IS_WRITABLE(attr)   (((attr) & K_MEM_PERM_RW) != 0)
#define K_MEM_PARTITION_IS_EXECUTABLE(attr) (((attr) & K_MEM_PERM_EXEC) != 0)

/* Page-aligned, bytes. */
struct k_mem_partition {
	uintptr_t start;
	size_t size;
	k_mem_partition_attr_t attr;
};

#define K_MEM_PARTITION_DEFINE(name, start_, size_, attr_) \
	struct k_mem_partition name = {(uintptr_t)(start_), (size_t)(size_), (attr_)}

/* ---- domains --------------------------------------------------------------------------- */

/* The caller's memory, resident, until k_mem_domain_deinit. Fields are the core's. */
struct k_mem_domain {
	struct arch_mem_domain arch;
	struct k_mem_partition partitions[CONFIG_MAX_DOMAIN_PARTITIONS]; /* size 0: unused */
	uint32_t num_partitions;
	uint32_t thread_count;
	uint32_t page_count;         /* anonymous pages charged to the domain */
	uint32_t page_count_max;
	uint32_t resident_count;     /* of these, in frames */
	uint32_t resident_count_min; /* what others' faults leave to the domain */
};

/* The domain of every thread that was not added to another one. Ready after k_mem_init. */
extern struct k_mem_domain k_mem_domain_default;

/* Make a domain with `part_count` partitions, whose addresses are in `parts` (Zephyr's form; may
 * be NULL with 0). Its threads may be charged no anonymous memory until k_mem_domain_limits_set.
 *  -EINVAL, -ENOSPC, -ENOMEM  as k_mem_domain_add_partition; the domain is not usable */
int k_mem_domain_init(struct k_mem_domain *domain, uint8_t part_count,
		      struct k_mem_partition *parts[]) QR_MUST_CHECK;

/* The end of a domain: its anonymous memory is unmapped, its tables go back to the pool.
 *  -EINVAL  the default domain, or NULL
 *  -EBUSY   threads are in it */
int k_mem_domain_deinit(struct k_mem_domain *domain) QR_MUST_CHECK;

/* Give the domain's threads the rights `part->attr` to the partition, which is copied. All its
 * pages must be mapped: anonymous, stored, on-demand or physical memory or the image, in frames or
 * not. A partition can take rights from the kernel's mapping and open it to user mode; it
 * cannot give a right to write or execute that the mapping does not have. What is unmapped
 * under a partition is not part of it any more; where anonymous memory of the domain comes to lie
 * there, the partition ends. Pages of uninitialised memory that
 * nobody has written are zeros from then on.
 *  -EINVAL  size zero, unaligned, wraps or leaves the space; unknown attributes; writable and
 *           executable; overlaps another partition of the domain; a page is not mapped, or a
 *           guard; a right that the mapping does not have
 *  -ENOSPC  CONFIG_MAX_DOMAIN_PARTITIONS partitions are there already
 *  -ENOMEM  the pool has too few tables */
int k_mem_domain_add_partition(struct k_mem_domain *domain, const struct k_mem_partition *part)
	QR_MUST_CHECK;

/* Take a partition away again: the one with this start and size. Tables that no partition needs
 * any more go back to the pool.
 *  -ENOENT  there is no such partition
 *  -EINVAL  NULL */
int k_mem_domain_remove_partition(struct k_mem_domain *domain, const struct k_mem_partition *part)
	QR_MUST_CHECK;

/* ---- threads ------------------------------------------------------------------------------ */

/* Move a thread (the host kernel's; NULL: the running one) into the domain, out of the one
 * that it is in. Takes effect at once where it is the running one. Does not sleep.
 *  -EINVAL  no domain */
int k_mem_domain_add_thread(struct k_mem_domain *domain, void *thread) QR_MUST_CHECK;

/* A thread of the host kernel ends, or becomes the kernel's own: it is in the default domain
 * again, and its domain may be deinitialised. The running one
 * is on the kernel's own tables then. */
void k_mem_domain_remove_thread(void *thread);

/* The thread `child` joins the domain of `parent`, as threads do in Zephyr that another one makes
 * (NULL: the running thread). Does not sleep. */
void k_mem_domain_inherit_thread(void *parent, void *child);

/* Copy the partitions of the domain that `thread` is in (NULL: the running thread) to `domain`: all
 * or none of them. Later changes of either are not followed. Anonymous memory of domains is no
 * partition.
 *  -ENOSPC   not as many places for partitions are free in `domain`
 *  -EINVAL   one of them overlaps a partition of `domain`, so also where both are the same domain;
 *            or what was mapped under one when it was added is unmapped now, or has fewer rights
 *  -ENOMEM   the pool has too few tables */
int k_mem_domain_inherit_thread_partitions(struct k_mem_domain *domain, void *thread)
	QR_MUST_CHECK;

/* For the scheduler: the next thread runs in `domain` (NULL: it is the kernel's own, on the
 * kernel's own tables). Interrupts masked, mm lock not held; a few instructions where it is the
 * same domain. Does not change what thread is in what domain. */
void k_mem_domain_switch(struct k_mem_domain *domain);

/* ---- anonymous memory of a domain ------------------------------------------------------------ */

/* At most `max_bytes` of anonymous memory may be mapped for the domain, and faults of other
 * domains, and of the kernel, leave it `min_resident_bytes` of that in frames. Both page-aligned.
 *  -EINVAL  unaligned, or min_resident_bytes > max_bytes
 *  -EBUSY   more than max_bytes are mapped already
 *  -ENOMEM  so many frames cannot be kept for the domain */
int k_mem_domain_limits_set(struct k_mem_domain *domain, size_t max_bytes,
			    size_t min_resident_bytes) QR_MUST_CHECK;

/* Map zeroed memory between guards as k_mem_map_anon does, for the threads of this domain alone;
 * the kernel reaches it by quire/user.h. Pageable. flags: K_MEM_PERM_RW and nothing else.
 * k_mem_domain_deinit unmaps what is left.
 *  -EINVAL, -ENOSPC  as k_mem_map_anon
 *  -K_MEM_ENOTSUP  a build without CONFIG_DEMAND_PAGING
 *  -ENOMEM  beyond the domain's limit; the pages could not be kept; too few tables */
int k_mem_domain_map(struct k_mem_domain *domain, void **addr, size_t size, uint32_t flags)
	QR_MUST_CHECK;

/* Unmap what one call of k_mem_domain_map mapped for this domain.
 *  -EINVAL  not exactly one such mapping; nothing changed */
int k_mem_domain_unmap(struct k_mem_domain *domain, void *addr, size_t size) QR_MUST_CHECK;

/* ---- what a build is without ----------------------------------------------------------------- */

#if !CONFIG_USERSPACE
QR_ABSENT_BEGIN
QR_ABSENT(int k_mem_domain_init(struct k_mem_domain *domain, uint8_t part_count,
				struct k_mem_partition *parts[]), return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_domain_deinit(struct k_mem_domain *domain), return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_domain_add_partition(struct k_mem_domain *domain,
					 const struct k_mem_partition *part),
	  return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_domain_remove_partition(struct k_mem_domain *domain,
					    const struct k_mem_partition *part),
	  return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_domain_add_thread(struct k_mem_domain *domain, void *thread),
	  return -K_MEM_ENOTSUP)
QR_ABSENT(void k_mem_domain_remove_thread(void *thread), (void)0)
QR_ABSENT(void k_mem_domain_inherit_thread(void *parent, void *child), (void)0)
QR_ABSENT(int k_mem_domain_inherit_thread_partitions(struct k_mem_domain *domain, void *thread),
	  return -K_MEM_ENOTSUP)
QR_ABSENT(void k_mem_domain_switch(struct k_mem_domain *domain), (void)0)
QR_ABSENT(int k_mem_domain_limits_set(struct k_mem_domain *domain, size_t max_bytes,
				      size_t min_resident_bytes), return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_domain_map(struct k_mem_domain *domain, void **addr, size_t size,
			       uint32_t flags), return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_domain_unmap(struct k_mem_domain *domain, void *addr, size_t size),
	  return -K_MEM_ENOTSUP)
QR_ABSENT_END
#endif

QR_EXTERN_C_END

#endif /* QUIRE_DOMAIN_H */
