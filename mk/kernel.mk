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
# A fragment that uses these writes "include mk/kernel.mk" first: this file is read once.

ifndef KERNEL_MK
KERNEL_MK := read

KERNEL_OPT    ?= -O2
KERNEL_CONFIG ?=
KERNEL        := $(BUILD)/kernel/$(ARCH)

kernel_flags_x86_64 := --target=x86_64-elf -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
		       -fno-pic -fomit-frame-pointer
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

# With every assertion and the compiler's own checks, for tests.
KERNEL_CHECK := $(KERNEL)/check
$(eval $(call kernel_variant,check,-DCONFIG_MEM_ASSERT=2 -fsanitize=undefined \
	-fsanitize-trap=all))

# NAME, PROGRAM, MACHINE, ARGUMENTS: a target that boots the program, which prints TAP. The
# scratch disk is its own, for tests run side by side.
define kernel_boot_test
.PHONY: $1
$1: $(KERNEL_CHECK)/$2.elf
	$$(Q)truncate -s 4M $(KERNEL)/$1.disk
	$$(Q)tools/qemu $3 $$< $4
KERNEL_TESTS += $1
ALL_DEPS     += $(KERNEL_CHECK)/$2.elf
endef
kernel_test_disk = --disk swap=$(KERNEL)/$1.disk

$(eval $(call kernel_boot_test,hello-microvm,hello,microvm,4M \
	$(call kernel_test_disk,hello-microvm)))
$(eval $(call kernel_boot_test,hello-modern,hello,microvm,4M \
	$(call kernel_test_disk,hello-modern) -- -global virtio-mmio.force-legacy=false))
$(eval $(call kernel_boot_test,hello-icount,hello,microvm,4M --icount \
	$(call kernel_test_disk,hello-icount)))
$(eval $(call kernel_boot_test,hello-q35,hello,q35,4M --append ramstore=80))
$(foreach policy,clock nru lru,$(eval $(call kernel_boot_test,stress-$(policy),stress,\
	microvm,4M --append "frames=40 threads=8 rounds=1000 policy=$(policy)" \
	$(call kernel_test_disk,stress-$(policy)))))
$(eval $(call kernel_boot_test,stress-q35,stress,q35,\
	6M --append "frames=40 rounds=1000 ramstore=260"))

# Ways in which programs end.
.PHONY: kernel-ending
kernel-ending: $(KERNEL_CHECK)/ending.elf
	$(Q)tests/kernel/ending_test $<
KERNEL_TESTS += kernel-ending
ALL_DEPS     += $(KERNEL_CHECK)/ending.elf

# The block store on this machine.
kernel_block_test := $(BUILD)/tests/block/test_block
kernel_block_objs := $(patsubst %,$(BUILD)/tests/block/%.o,tests/unit/test_block store/block \
		       store/slots)
$(BUILD)/tests/block/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) -c $< -o $@
$(kernel_block_test): $(kernel_block_objs)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) $^ -lcmocka -o $@
-include $(kernel_block_objs:.o=.d)
HOST_TESTS += $(kernel_block_test)

endif
