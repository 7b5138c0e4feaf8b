# SPDX-License-Identifier: Apache-2.0
#
# The conformance suite (tests/conformance), on the emulated machine with each entry format and
# on the reference kernel on each machine, and the tests of the kernel's disk (tests/qemu).
include mk/kernel.mk

# ---- emulated ------------------------------------------------------------------------
#
# Three times for each format: in the space and with the objects of mk/core.mk, sanitizers included,
# if it has them, and the same with the profile "tiny"; and in a space so wide that the largest
# leaves fit, compiled here.

conformance_dir     := $(BUILD)/conformance
conformance_formats := x86_64 arm64 riscv64
conformance_srcs    := $(LIB_SRCS) $(wildcard arch/emu/*.c port/strict/*.c) \
		       $(addprefix tests/,core/rig.c core/rig_tables.c core/rig_compressed.c \
		       conformance/suite.c conformance/domains.c conformance/copies.c \
		       conformance/on_emu.c)
conformance_wide    := -DCONFIG_KERNEL_VM_BASE=0x40000000 -DCONFIG_KERNEL_VM_SIZE=0x80200000 \
		       -DCONFIG_KERNEL_IMAGE_OFFSET=0 -DCONFIG_MEM_FRAMES_MAX=4096 \
		       -DCONFIG_MEM_ASSERT=2 -DCONFIG_USERSPACE=1

define conformance_rules
conformance_objs_$1 := $(conformance_srcs:%.c=$(conformance_dir)/obj/$1/%.o)
$(conformance_dir)/obj/$1/%.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS_HOST_TEST)) -Iarch/emu \
		-Iarch/$1 $(conformance_wide) -c $$< -o $$@
$(conformance_dir)/$1-wide: $$(conformance_objs_$1)
	$$(Q)$(CC) -rdynamic $$^ -lcmocka -ldl -o $$@

HOST_TESTS += $(conformance_dir)/$1-wide
.SECONDARY: $$(conformance_objs_$1)
-include $(patsubst %.c,$(conformance_dir)/obj/$1/%.d,$(conformance_srcs))
endef
$(foreach f,$(FORMATS),$(eval $(call conformance_rules,$f)))

# FORMAT, VARIANT, SUFFIX
define conformance_core_rules
$(conformance_dir)/$1$3: $(conformance_srcs:%.c=$(BUILD)/core/$1-$2/%.o)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(CFLAGS_HOST_TEST) -rdynamic $$^ -lcmocka -ldl -o $$@
HOST_TESTS += $(conformance_dir)/$1$3
endef
$(foreach f,$(conformance_formats),$(eval $(call conformance_core_rules,$f,plain)) \
	$(eval $(call conformance_core_rules,$f,tiny,-tiny)))

# ---- on the reference kernel ------------------------------------------------------------
#
# The kernel has the frames and the RAM store behind its image; `spare` is RAM above.

conformance_archs   := $(sort $(KERNEL_ARCHS) $(ARCH))
conformance_kernel  := $(addprefix tests/conformance/,suite.c domains.c copies.c on_kernel.c)
conformance_spare_x86_64  := 0x2000000
conformance_spare_arm64   := 0x42000000
conformance_spare_riscv64 := 0x82000000

# NAME, MACHINE, FLAGS, ARGUMENTS, FOLDER (mk/kernel.mk)
define conformance_boot
$(if $(filter $(conformance_archs),$(kernel_arch_$2)),$(call kernel_boot_test,$1,conformance,$2,\
	40M --timeout 30 --append "frames=64 ramstore=512 machine=$(1:conformance-%=%) flags=$3 \
	format=$(kernel_arch_$2) spare=$(conformance_spare_$(kernel_arch_$2))" $4,$5))
endef

conformance_folders := $(conformance_archs:%=%/check) arm64/check-va39 \
		       $(addprefix riscv64/check-,sv39 sv57 extras)
conformance_arch     = $(firstword $(subst /, ,$1))
conformance_program  = $(call kernel_program,$(conformance_arch),$(BUILD)/kernel/$1,conformance,$2,\
			 tests/conformance/prober)
$(foreach f,$(conformance_folders),$(eval $(call conformance_program,$f,$(conformance_kernel))))
$(eval $(call conformance_boot,conformance-microvm,microvm,hardware,\
	$(call kernel_test_disk,conformance-microvm)))
$(eval $(call conformance_boot,conformance-q35,q35,hardware))
$(eval $(call conformance_boot,conformance-old-cpu,q35,hardware,--cpu Nehalem --append fence=0))
$(eval $(call conformance_boot,conformance-arm64,virt-arm64,hardware))
$(eval $(call conformance_boot,conformance-arm64-va39,virt-arm64,hardware,,check-va39))
$(eval $(call conformance_boot,conformance-arm64-a76,virt-arm64,hardware,--cpu cortex-a76))
$(eval $(call conformance_boot,conformance-arm64-a53,virt-arm64,software,\
	--cpu cortex-a53 --append fence=1))
$(eval $(call conformance_boot,conformance-riscv64,virt-riscv64,hardware))
$(eval $(call conformance_boot,conformance-riscv64-sv39,virt-riscv64,hardware,,check-sv39))
$(eval $(call conformance_boot,conformance-riscv64-sv57,virt-riscv64,hardware,,check-sv57))
$(eval $(call conformance_boot,conformance-riscv64-extras,virt-riscv64,hardware,\
	$(kernel_riscv64_cpu),check-extras))

# ---- disks that fail, and a slow one ----------------------------------------------------

conformance_check    := $(BUILD)/kernel/x86_64/check
conformance_programs := $(conformance_check)/faulty.elf $(conformance_check)/slow.elf
$(eval $(call kernel_program,x86_64,$(conformance_check),faulty,tests/qemu/faulty.c))
$(eval $(call kernel_program,x86_64,$(conformance_check),slow,tests/qemu/slow.c))

.PHONY: kernel-disk
kernel-disk: $(conformance_programs)
	$(Q)tests/qemu/disk_test $^
KERNEL_TESTS += kernel-disk
ALL_DEPS     += $(conformance_programs)
