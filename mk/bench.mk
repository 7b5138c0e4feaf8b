# SPDX-License-Identifier: Apache-2.0
#
# `make bench`: exact instruction counts of the reference kernel under -icount, and sizes.
#
# The library is measured as it ships, assertions off. "small" maps physical memory with
# pages only; "irq" also measures how long interrupts are masked, which costs instructions.

$(eval $(call kernel_variant,bench,-DCONFIG_MEM_ASSERT=0))
$(eval $(call kernel_variant,bench-small,-DCONFIG_MEM_ASSERT=0 -DCONFIG_MMU_LARGE_PAGES=0))
$(eval $(call kernel_variant,bench-irq,-DCONFIG_MEM_ASSERT=0 -DCONFIG_KERNEL_IRQ_TIME=1))
