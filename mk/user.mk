# SPDX-License-Identifier: Apache-2.0
#
# User mode (tests/user) on each machine that has it.
include mk/kernel.mk

# x86_64 without tables of their own for user mode.
$(eval $(call kernel_directory,x86_64,$(BUILD)/kernel/x86_64/check-shared,\
	$(kernel_check_flags) -DCONFIG_X86_KPTI=0))

user_folders := $(KERNEL_USER_ARCHS:%=%/check) x86_64/check-shared
# NAME, SOURCE, FOLDERS of programs for user mode; ARCH in a source is the architecture
user_program = $(foreach f,$(user_folders),$(foreach a,$(firstword $(subst /, ,$f)),\
	$(eval $(call kernel_program,$a,$(BUILD)/kernel/$f,$1,$(subst ARCH,$a,$2),$3))))

$(call user_program,user,tests/user/main.c kernel/ARCH/user/touch.S,tests/user/visitor)

# NAME, MACHINE, ARGUMENTS, FOLDER
define user_test
$(call kernel_boot_test,user-$1,user,$2,6M --append frames=64 $3 \
	$(call kernel_test_disk,user-$1),$4)
endef
$(eval $(call user_test,microvm,microvm))
$(eval $(call user_test,shared,microvm,,check-shared))
$(eval $(call user_test,old-cpu,microvm,--cpu Nehalem))
$(foreach m,$(kernel_models),$(eval $(call user_test,$(subst /,-,$m),$(patsubst %/,%,$(dir $m)),\
	--cpu $(notdir $m))))

# What is printed about threads that ended.
# MACHINE
define user_lines_test
.PHONY: user-lines-$1 built-user-lines-$1
built-user-lines-$1: $(call kernel_check,$1)/user.elf
user-lines-$1: built-user-lines-$1
	$$(Q)tests/kernel/user_test $1 $(call kernel_check,$1)/user.elf
KERNEL_TESTS += user-lines-$1
endef
$(foreach m,microvm virt-arm64 virt-riscv64,$(eval $(call user_lines_test,$m)))

# ---- a program that attacks -------------------------------------------------------------------
#
# The frames: 12 for the kernel stacks of three threads, the others for pages that are more than
# twice as many.

$(call user_program,attack,tests/attack/main.c,tests/attack/attacker tests/attack/victim)

# NAME, MACHINE, ARGUMENTS, FOLDER
define attack_test
$(call kernel_boot_test,attack-$1,attack,$2,\
	6M --append "frames=48 $(if $(SEED),seed=$(SEED))" $3 \
	$(call kernel_test_disk,attack-$1),$4)
endef
$(eval $(call attack_test,microvm,microvm))
$(eval $(call attack_test,shared,microvm,,check-shared))
$(eval $(call attack_test,old-cpu,microvm,--cpu Nehalem,check-shared))
$(foreach m,$(kernel_models),$(eval $(call attack_test,$(subst /,-,$m),$(patsubst %/,%,$(dir $m)),\
	--cpu $(notdir $m))))

# ---- the model of domains (tests/domains), as on the emulated machine (mk/core.mk) -----------

$(call user_program,domains,$(wildcard tests/domains/*.c))

# NAME, MACHINE, ARGUMENTS, FOLDER
define domains_test
$(call kernel_boot_test,domains-$1,domains,$2,\
	40M --append "frames=90 ramstore=400 tick=0 $(if $(SEED),seed=$(SEED))" $3,$4)
endef
$(eval $(call domains_test,microvm,microvm))
$(eval $(call domains_test,shared,microvm,,check-shared))
domains_on := virt-arm64/cortex-a53 virt-arm64/max virt-riscv64/rv64
$(foreach m,$(domains_on),$(eval $(call domains_test,$(subst /,-,$m),$(patsubst %/,%,$(dir $m)),\
	--cpu $(notdir $m))))

# ---- copies whose kernel side is paged, or nowhere (tests/copies) ------------------------------

$(call user_program,copies,tests/copies/main.c)

# NAME, MACHINE, ARGUMENTS, FOLDER
define copies_test
$(call kernel_boot_test,copies-$1,copies,$2,6M --append frames=64 $3 \
	$(call kernel_test_disk,copies-$1),$4)
endef
$(eval $(call copies_test,microvm,microvm))
$(eval $(call copies_test,old-cpu,microvm,--cpu Nehalem,check-shared))
$(foreach m,$(kernel_models),$(eval $(call copies_test,$(subst /,-,$m),$(patsubst %/,%,$(dir $m)),\
	--cpu $(notdir $m))))

# ---- how long user mode can keep interrupts masked (tests/masked) ------------------------------

$(call user_program,masked,tests/masked/main.c,tests/masked/caller)
$(foreach m,microvm virt-arm64 virt-riscv64,$(eval $(call kernel_boot_test,masked-$m,masked,$m,\
	12M --icount --append "frames=400 ramstore=400 tick=0")))
