# SPDX-License-Identifier: Apache-2.0
#
# `make compile-32`: the core for machines whose pointers have 32 bits, i386 with PAE and ARMv7
# with LPAE (tests/compile32). Nothing in it may take a pointer for 64 bits. It is compiled, no
# more: there is no such port.

compile32_formats := pae lpae
compile32_pae     := --target=i386-elf -march=i586 -mgeneral-regs-only
compile32_lpae    := --target=armv7a-none-eabi -mfloat-abi=soft -mno-unaligned-access
compile32_space   := -DCONFIG_KERNEL_VM_BASE=0x80000000 -DCONFIG_KERNEL_IMAGE_OFFSET=0x80000000
compile32_srcs    := $(LIB_SRCS)
compile32_objs    := $(foreach f,$(compile32_formats),\
		       $(compile32_srcs:%.c=$(BUILD)/compile32/$f/%.o))

define compile32_rule
$(BUILD)/compile32/$1/%.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(compile32_$1) -ffreestanding -nostdlibinc -O2 $(CFLAGS_LIB) \
		-Wshorten-64-to-32 -Itests/compile32/$1 -Itests/compile32 $(compile32_space) \
		-c $$< -o $$@
endef
$(foreach f,$(compile32_formats),$(eval $(call compile32_rule,$f)))

-include $(compile32_objs:.o=.d)

.PHONY: compile-32
compile-32: $(compile32_objs) ## compile the core for 32-bit machines
	@:

TEST_DEPS    += $(compile32_objs)
SCRIPT_TESTS += tests/tools/compile32_test
