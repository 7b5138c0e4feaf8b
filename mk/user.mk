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

# ---- a program that attacks -------------------------------------------------------------------
#
# The frames: 12 for the kernel stacks of three threads, the others for pages that are more than
# twice as many.

# NAME, MACHINE, ARGUMENTS
define attack_test
$(call kernel_boot_test,attack-$1,attack,$2,\
	6M --append "frames=48 $(if $(SEED),seed=$(SEED))" $3 $(call kernel_test_disk,attack-$1))
endef
$(foreach a,$(KERNEL_USER_ARCHS),$(eval $(call kernel_program,$a,$(BUILD)/kernel/$a/check,attack,\
	tests/attack/main.c,tests/attack/attacker tests/attack/victim)))
$(eval $(call attack_test,microvm,microvm))
$(eval $(call attack_test,old-cpu,microvm,--cpu Nehalem))
