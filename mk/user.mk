# SPDX-License-Identifier: Apache-2.0
#
# User mode (tests/user) on each machine that has it.
include mk/kernel.mk

# NAME, MACHINE, ARGUMENTS
define user_test
$(call kernel_boot_test,user-$1,user,$2,6M --append frames=64 $3 \
	$(call kernel_test_disk,user-$1))
endef
$(foreach a,$(KERNEL_USER_ARCHS),$(eval $(call kernel_program,$a,$(BUILD)/kernel/$a/check,user,\
	tests/user/main.c,tests/user/visitor)))
$(eval $(call user_test,microvm,microvm))
$(eval $(call user_test,old-cpu,microvm,--cpu Nehalem))

# What is printed about threads that ended.
# MACHINE
define user_lines_test
.PHONY: user-lines-$1
user-lines-$1: $(call kernel_check,$1)/user.elf
	$$(Q)tests/kernel/user_test $1 $$<
KERNEL_TESTS += user-lines-$1
endef
$(foreach m,microvm,$(eval $(call user_lines_test,$m)))
