# SPDX-License-Identifier: Apache-2.0
#
# Physical address bits of models of CPUs (tests/phys), as QEMU and the manuals have them.
include mk/kernel.mk

phys_unsaid := max,xlevel=0x80000004

$(foreach a,$(KERNEL_ARCHS),$(eval $(call kernel_program,$a,$(BUILD)/kernel/$a/check,phys,\
	tests/phys/main.c)))

# NAME, MACHINE, MODEL, BITS
phys_test = $(eval $(call kernel_boot_test,phys-$1,phys,$2,6M --cpu $3 \
	--append "frames=48 ramstore=16 bits=$4"))
$(call phys_test,microvm,microvm,max,40)
# without the leaf of CPUID that says so
$(call phys_test,microvm-unsaid,microvm,$(phys_unsaid),36)
$(call phys_test,arm64-a53,virt-arm64,cortex-a53,40)
$(call phys_test,arm64-a76,virt-arm64,cortex-a76,40)
$(call phys_test,arm64-max,virt-arm64,max,48)
$(call phys_test,riscv64,virt-riscv64,rv64,56)
