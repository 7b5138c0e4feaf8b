# SPDX-License-Identifier: Apache-2.0
#
# Changes under the running stack (tests/stacks), on each machine.
#
# As compilers like it: with all in memory, and with as much in registers as goes. x86_64 also
# without tables of its own for user mode, as its kernel has global leaves then; riscv64 with the
# firmware's fences, which are calls.
include mk/kernel.mk

stacks_flags_x86_64  := -DCONFIG_X86_KPTI=0
stacks_flags_riscv64 := -DCONFIG_RISCV_SBI_RFENCE=1
stacks_spare_x86_64  := 0x2000000
stacks_spare_arm64   := 0x42000000
stacks_spare_riscv64 := 0x82000000
stacks_own           := stacks-O0 stacks-Os
stacks_in_microvm      := $(stacks_own) check check-shared
stacks_in_q35          := $(stacks_own) check-shared
stacks_in_virt-arm64   := $(stacks_own) check
stacks_in_virt-riscv64 := $(stacks_own) check-extras
# ARCH, FOLDER
stacks_directory = $(eval $(call kernel_directory,$1,$(BUILD)/kernel/$1/$2,\
	-DCONFIG_MEM_ASSERT=2 $(2:stacks%=%) $(stacks_flags_$1)))
stacks_program   = $(eval $(call kernel_program,$1,$(BUILD)/kernel/$1/$2,stacks,\
	tests/stacks/main.c))
$(foreach a,$(KERNEL_USER_ARCHS),$(foreach f,$(stacks_own),$(call stacks_directory,$a,$f)))
$(foreach m,microvm virt-arm64 virt-riscv64,$(foreach f,$(stacks_in_$m),\
	$(call stacks_program,$(kernel_arch_$m),$f)))

stacks_cpu_virt-riscv64 := $(kernel_riscv64_cpu)
stacks_words     = frames=64 ramstore=64 spare=$(stacks_spare_$(kernel_arch_$1))
# MACHINE, FOLDER
stacks_test = $(eval $(call kernel_boot_test,stacks-$1-$(2:stacks-%=%),stacks,$1,\
	40M --timeout 30 --append "$(stacks_words)" $(stacks_cpu_$1),$2))
$(foreach m,microvm q35 virt-arm64 virt-riscv64,$(foreach f,$(stacks_in_$m),\
	$(call stacks_test,$m,$f)))
