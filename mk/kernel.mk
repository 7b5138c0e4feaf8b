# SPDX-License-Identifier: Apache-2.0
#
# The reference kernel. Each program of apps/, one file or one folder, becomes an ELF file
# with the kernel and the library in it:
#
#     build/kernel/<arch>/<program>.elf      boots with tools/qemu
#     build/kernel/<arch>/<program>.image    its on-demand sections, for the disk "image"
#
# $(eval $(call kernel_variant,NAME,FLAGS)) builds all of them another way, below
# build/kernel/<arch>/NAME/. KERNEL_CONFIG holds -D options for every variant.
# $(eval $(call kernel_program,DIRECTORY,NAME,SOURCES)) adds one program from elsewhere.

KERNEL_OPT    ?= -O2
KERNEL_CONFIG ?=
KERNEL        := $(BUILD)/kernel/$(ARCH)

kernel_flags_x86_64 := --target=x86_64-elf -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
		       -fno-pic
kernel_link_x86_64  := -m elf_x86_64

KERNEL_CFLAGS := $(kernel_flags_$(ARCH)) -ffreestanding -nostdlibinc -g $(CFLAGS_LIB) \
		 -Iarch/$(ARCH) -Ikernel/$(ARCH)

KERNEL_SRCS := $(LIB_SRCS) $(sort $(wildcard arch/$(ARCH)/*.[cS] kernel/*.c \
		 kernel/$(ARCH)/*.[cS]))
KERNEL_APPS := $(sort $(basename $(notdir $(wildcard apps/*.c))) \
		 $(notdir $(patsubst %/,%,$(dir $(wildcard apps/*/*.c)))))

kernel_app_srcs = $(wildcard apps/$1.c apps/$1/*.c)

# DIRECTORY, NAME, SOURCES
define kernel_program
$1/$2.elf: $(patsubst %,$1/obj/%.o,$(KERNEL_SRCS) $3) $1/link.ld
	$$(Q)$$(LD) $(kernel_link_$(ARCH)) -z noexecstack -z max-page-size=4096 \
		-T $1/link.ld $$(filter %.o,$$^) -o $$@
-include $(patsubst %,$1/obj/%.d,$3)
endef

# DIRECTORY, FLAGS
define kernel_directory
$1/obj/%.o: %
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(KERNEL_CFLAGS) $$(KERNEL_OPT) $$(KERNEL_CONFIG) $2 -c $$< -o $$@
$1/link.ld: kernel/$(ARCH)/link.ld
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -E -P -x c $$(KERNEL_CFLAGS) $$(KERNEL_CONFIG) $2 -MT $$@ -MF $$@.d $$< -o $$@
$1/%.image: $1/%.elf
	$$(Q)$$(OBJCOPY) -O binary -j .ondemand_text -j .ondemand_rodata $$< $$@
$(foreach app,$(KERNEL_APPS),$(call kernel_program,$1,$(app),$(call kernel_app_srcs,$(app)))
)
-include $1/link.ld.d $(patsubst %,$1/obj/%.d,$(KERNEL_SRCS))
endef

kernel_variant = $(call kernel_directory,$(KERNEL)/$(strip $1),$2)

$(eval $(call kernel_directory,$(KERNEL),))
ALL_DEPS += $(KERNEL_APPS:%=$(KERNEL)/%.elf)
