# SPDX-License-Identifier: Apache-2.0
#
# The reference kernel. Each program of apps/, one file or one folder, becomes an ELF file
# with the kernel and the library in it:
#
#     build/kernel/<arch>/<program>.elf      boots with tools/qemu
#     build/kernel/<arch>/<program>.image    its on-demand sections, for the disk "image"
#
# for $(ARCH) and for those in KERNEL_ARCHS, which `make test` boots.
#
# $(eval $(call kernel_variant,NAME,FLAGS)) builds all of them another way for $(ARCH), below
# build/kernel/<arch>/NAME/. KERNEL_CONFIG holds -D options for every variant; PROFILE=NAME is short
# for the option that chooses a profile (quire/profiles/).
# $(eval $(call kernel_program,ARCH,DIRECTORY,NAME,SOURCES,FOLDERS)) adds one program from
# elsewhere.
#
# Each folder of an app's folder (above: FOLDERS) is a program for user mode: its sources, those of
# apps/user/ and the machine's become one relocatable object with no symbol but where it is
# (kernel/user.ld), which is linked into the app's image.
#
# An architecture has here: flags for compiler and linker, kernel_arch_<machine> for each
# machine of tools/qemu, and what must exist before anything is compiled (kernel_needs_<arch>):
# <tree.h>, where the machine describes itself by a device tree, made with kernel_qemu_<arch>
# and holding kernel_tree_<arch> (tools/tree).
# A fragment that uses these writes "include mk/kernel.mk" first: this file is read once.

ifndef KERNEL_MK
KERNEL_MK := read
include mk/lz4.mk

KERNEL_OPT    ?= -O2
KERNEL_CONFIG ?= $(if $(PROFILE),-DQUIRE_PROFILE=$(PROFILE))
KERNEL        := $(BUILD)/kernel/$(ARCH)

KERNEL_ARCHS        := x86_64 arm64 riscv64

kernel_arch_microvm := x86_64
kernel_arch_q35     := x86_64
kernel_flags_x86_64 := --target=x86_64-elf -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
		       -fno-pic -fomit-frame-pointer -DCONFIG_USERSPACE=1
kernel_link_x86_64  := -m elf_x86_64

kernel_arch_virt-arm64 := arm64
# RAM, and with it the image, starts 1 GiB up
kernel_flags_arm64  := --target=aarch64-none-elf -mgeneral-regs-only -mno-outline-atomics \
		       -mstrict-align -fno-pic -fomit-frame-pointer \
		       -DCONFIG_KERNEL_IMAGE_OFFSET=0xffffffff40000000 -DCONFIG_USERSPACE=1
kernel_link_arm64   := -m aarch64elf
kernel_qemu_arm64   := qemu-system-aarch64 -cpu max -machine virt,gic-version=2
kernel_tree_arm64   := RAM=memory UART=arm,pl011 GIC=arm,cortex-a15-gic \
		       TIMER=arm,armv8-timer VIRTIO=virtio,mmio
kernel_needs_arm64  := $(BUILD)/kernel/arm64/tree.h

kernel_arch_virt-riscv64 := riscv64
# RAM starts 2 GiB up. The image is in the highest 2 GiB, which is what medlow reaches; this
# linker cannot relax
kernel_flags_riscv64 := --target=riscv64-unknown-elf -march=rv64imac_zba_zbb -mabi=lp64 \
			-mcmodel=medlow -mno-relax -fomit-frame-pointer \
			-DCONFIG_KERNEL_IMAGE_OFFSET=0xffffffff00000000 -DCONFIG_USERSPACE=1
kernel_link_riscv64  := -m elf64lriscv
kernel_qemu_riscv64  := qemu-system-riscv64 -machine virt
kernel_tree_riscv64  := RAM=memory TIMEBASE_HZ=/cpus:timebase-frequency \
			PLIC=sifive,plic-1.0.0 VIRTIO=virtio,mmio
kernel_needs_riscv64 := $(BUILD)/kernel/riscv64/tree.h

# Partitions: one for each run of stored pages of a recording (apps/replay).
kernel_cflags    = $(kernel_flags_$1) -ffreestanding -nostdlibinc -g $(CFLAGS_LIB) \
		   -Iarch/$1 -Ikernel/$1 -I$(BUILD)/kernel/$1 -I$(LZ4) \
		   -DCONFIG_MAX_DOMAIN_PARTITIONS=64
KERNEL_CFLAGS   := $(call kernel_cflags,$(ARCH))

# Machines that have user mode.
KERNEL_USER_ARCHS := x86_64 arm64 riscv64

kernel_no_user   = $(if $(filter $1,$(KERNEL_USER_ARCHS)),,kernel/user.c kernel/syscall.c)
kernel_srcs      = $(filter-out $(kernel_no_user),$(LIB_SRCS) \
		     $(sort $(wildcard arch/$1/*.[cS] kernel/*.c kernel/$1/*.[cS])) \
		     kernel/compress/$(KERNEL_COMPRESS).c)
KERNEL_APPS     := $(filter-out user,$(sort $(basename $(notdir $(wildcard apps/*.c))) \
		     $(notdir $(patsubst %/,%,$(dir $(wildcard apps/*/*.c))))))

kernel_app_srcs  = $(wildcard apps/$1.c apps/$1/*.c)
kernel_app_users = $(patsubst %/,%,$(sort $(dir $(wildcard apps/$1/*/*.c))))

# What is linked to each program for user mode.
kernel_user_srcs = $(sort $(wildcard apps/user/*.c kernel/$1/user/*.S)) kernel/format.c \
		   kernel/$1/string.S

$(BUILD)/kernel/%/tree.h: mk/kernel.mk tools/tree
	@mkdir -p $(@D)
	$(Q)$(kernel_qemu_$*),dumpdtb=$(@D)/tree.dtb -nodefaults -display none \
		2>$(@D)/tree.log || { cat $(@D)/tree.log >&2; false; }
	$(Q)tools/tree $(@D)/tree.dtb $(kernel_tree_$*) >$@

# ARCH, DIRECTORY, APP, FOLDER
define kernel_user
$2/user/$3/$(notdir $4).ld: kernel/user.ld kernel/config.h include/quire/config.h \
		| $(kernel_needs_$1)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -E -P -x c $(call kernel_cflags,$1) $$(KERNEL_CONFIG) -DPROGRAM=$(notdir $4) \
		$$< -o $$@
$2/user/$3/$(notdir $4).o: $2/user/$3/$(notdir $4).ld \
		$(patsubst %,$2/user/obj/%.o,$(call kernel_user_srcs,$1) $(wildcard $4/*.c))
	$$(Q)$$(LD) $(kernel_link_$1) -r -T $$(filter %.ld,$$^) $$(filter %.o,$$^) -o $$@.all
	$$(Q)$$(OBJCOPY) --wildcard --keep-global-symbol='user_$(notdir $4)_*' \
		--set-section-flags .user_rodata=alloc,readonly,data $$@.all $$@
-include $(patsubst %,$2/user/obj/%.d,$(call kernel_user_srcs,$1) $(wildcard $4/*.c))
endef

# ARCH, DIRECTORY, NAME, SOURCES, FOLDERS
define kernel_program
$2/$3.elf: $(patsubst %,$2/obj/%.o,$(call kernel_srcs,$1) $4) \
		$(foreach u,$5,$2/user/$3/$(notdir $u).o) $2/link.ld
	$$(Q)$$(LD) $(kernel_link_$1) -z noexecstack -z max-page-size=4096 \
		-T $2/link.ld $$(filter %.o,$$^) -o $$@
$(foreach u,$5,$(call kernel_user,$1,$2,$3,$u)
)
-include $(patsubst %,$2/obj/%.d,$4)
endef

# ARCH, DIRECTORY, FLAGS
define kernel_directory
$2/obj/%.o: % mk/kernel.mk | $(kernel_needs_$1)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $(call kernel_cflags,$1) $$(KERNEL_OPT) $$(KERNEL_CONFIG) $3 -c $$< -o $$@
$2/user/obj/%.o: % mk/kernel.mk | $(kernel_needs_$1)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $(call kernel_cflags,$1) $$(KERNEL_OPT) $$(KERNEL_CONFIG) \
		$(filter-out -flto,$3) -c $$< -o $$@
$2/link.ld: kernel/$1/link.ld | $(kernel_needs_$1)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -E -P -x c $(call kernel_cflags,$1) $$(KERNEL_CONFIG) $3 \
		-MT $$@ -MF $$@.d $$< -o $$@
$2/%.image: $2/%.elf
	$$(Q)$$(OBJCOPY) -O binary -j .ondemand_text -j .ondemand_rodata $$< $$@
$(foreach app,$(KERNEL_APPS),$(call kernel_program,$1,$2,$(app),$(call kernel_app_srcs,$(app)),\
	$(call kernel_app_users,$(app)))
)
-include $2/link.ld.d $(patsubst %,$2/obj/%.d,$(call kernel_srcs,$1))
endef

kernel_variant = $(call kernel_directory,$(ARCH),$(KERNEL)/$(strip $1),$2)

# As shipped, and with every assertion and the compiler's own checks, for tests.
kernel_check_flags := -DCONFIG_MEM_ASSERT=2 -fsanitize=undefined -fsanitize-trap=all
$(foreach a,$(sort $(KERNEL_ARCHS) $(ARCH)),\
	$(eval $(call kernel_directory,$a,$(BUILD)/kernel/$a,)) \
	$(eval $(call kernel_directory,$a,$(BUILD)/kernel/$a/check,$(kernel_check_flags))))
ALL_DEPS += $(KERNEL_APPS:%=$(KERNEL)/%.elf)

# NAME, PROGRAM, MACHINE, ARGUMENTS, FOLDER (default check): a target that boots the program,
# which prints TAP. The scratch disk is its own, for tests run side by side. built-NAME only builds.
kernel_check = $(BUILD)/kernel/$(kernel_arch_$(strip $1))/$(or $(strip $2),check)
define kernel_boot_test
.PHONY: $1 built-$1
built-$1: $(call kernel_check,$3,$5)/$2.elf
$1: built-$1
	$$(Q)truncate -s 4M $(BUILD)/kernel/$1.disk
	$$(Q)tools/qemu $3 $(call kernel_check,$3,$5)/$2.elf $4
KERNEL_TESTS += $1
ALL_DEPS     += $(call kernel_check,$3,$5)/$2.elf
endef
kernel_test_disk = --disk swap=$(BUILD)/kernel/$1.disk

$(eval $(call kernel_boot_test,hello-microvm,hello,microvm,4M \
	$(call kernel_test_disk,hello-microvm)))
$(eval $(call kernel_boot_test,hello-modern,hello,microvm,4M \
	$(call kernel_test_disk,hello-modern) -- -global virtio-mmio.force-legacy=false))
$(eval $(call kernel_boot_test,hello-icount,hello,microvm,4M --icount \
	$(call kernel_test_disk,hello-icount)))
$(eval $(call kernel_boot_test,hello-q35,hello,q35,4M --append ramstore=80))
# Stacks and the zero page take 33 frames; each of eight threads must be able to hold another,
# and one more be left for who faults with interrupts masked (CAVEATS.md).
$(foreach policy,clock hazard nru lru,$(eval $(call kernel_boot_test,stress-$(policy),stress,\
	microvm,4M --append "frames=44 threads=8 rounds=1000 policy=$(policy)" \
	$(call kernel_test_disk,stress-$(policy)))))
$(eval $(call kernel_boot_test,stress-q35,stress,q35,\
	6M --append "frames=40 rounds=1000 ramstore=260"))

# With a pool for compressed pages in front of the disk, too small for all of them.
# MACHINE
define kernel_compress_test
$(call kernel_boot_test,stress-compress-$1,stress,$1,6M --append "frames=44 pages=200 rounds=1000 \
	compress=4" $(call kernel_test_disk,stress-compress-$1))
endef
$(foreach m,microvm virt-arm64 virt-riscv64,$(eval $(call kernel_compress_test,$m)))
$(eval $(call kernel_boot_test,stress-compress-ram,stress,q35,\
	8M --append "frames=40 pages=200 rounds=1000 ramstore=800 compress=4"))

# On a store whose transfers take a while, of which few are under way at once.
kernel_delay := tick=0 frames=44 threads=8 rounds=300 delay=200000 depth=2
$(eval $(call kernel_boot_test,stress-delay-x86_64,stress,microvm,4M --icount \
	--append "$(kernel_delay)" $(call kernel_test_disk,stress-delay-x86_64)))
$(eval $(call kernel_boot_test,stress-delay-arm64,stress,virt-arm64,6M --icount \
	--append "$(kernel_delay)" $(call kernel_test_disk,stress-delay-arm64)))
$(eval $(call kernel_boot_test,stress-delay-riscv64,stress,virt-riscv64,12M --icount \
	--append "$(kernel_delay) ramstore=1024" -- -icount sleep=off))

# All of it on each model of CPU: MACHINE/MODEL. cortex-a53 leaves accessed and dirty bits to
# software, cortex-a76 sets them and has PAN, max has what QEMU knows.
kernel_models := virt-arm64/cortex-a53 virt-arm64/cortex-a76 virt-arm64/max virt-riscv64/rv64
# MACHINE, MODEL
define kernel_model_tests
$(call kernel_boot_test,hello-$1-$2,hello,$1,6M --cpu $2 $(call kernel_test_disk,hello-$1-$2))
$(call kernel_boot_test,stress-$1-$2,stress,$1,\
	6M --cpu $2 --append "frames=44 threads=8 rounds=1000" \
	$(call kernel_test_disk,stress-$1-$2))
endef
$(foreach m,$(kernel_models),\
	$(eval $(call kernel_model_tests,$(patsubst %/,%,$(dir $m)),$(notdir $m))))

$(eval $(call kernel_boot_test,hello-arm64-icount,hello,virt-arm64,6M --icount \
	$(call kernel_test_disk,hello-arm64-icount)))

# Three levels of tables instead of four.
$(eval $(call kernel_directory,arm64,$(BUILD)/kernel/arm64/check-va39,\
	$(kernel_check_flags) -DCONFIG_ARM64_VA_BITS=39))
$(eval $(call kernel_boot_test,hello-arm64-va39,hello,virt-arm64,6M --append ramstore=80,\
	check-va39))

$(eval $(call kernel_boot_test,hello-riscv64-icount,hello,virt-riscv64,6M --icount \
	$(call kernel_test_disk,hello-riscv64-icount)))

# Three and five levels; what not every machine has: uncached pages, the firmware's fences.
kernel_riscv64_cpu := --cpu rv64,svpbmt=on
# VARIANT, FLAGS
define kernel_riscv64_tests
$(call kernel_directory,riscv64,$(BUILD)/kernel/riscv64/check-$1,$(kernel_check_flags) $2)
$(call kernel_boot_test,hello-riscv64-$1,hello,virt-riscv64,6M $(kernel_riscv64_cpu) \
	$(call kernel_test_disk,hello-riscv64-$1),check-$1)
$(call kernel_boot_test,stress-riscv64-$1,stress,virt-riscv64,6M $(kernel_riscv64_cpu) \
	--append "frames=44 threads=8 rounds=1000" \
	$(call kernel_test_disk,stress-riscv64-$1),check-$1)
endef
$(eval $(call kernel_riscv64_tests,sv39,-DCONFIG_RISCV_SV=39))
$(eval $(call kernel_riscv64_tests,sv57,-DCONFIG_RISCV_SV=57))
$(eval $(call kernel_riscv64_tests,extras,-DCONFIG_RISCV_SVPBMT=1 -DCONFIG_RISCV_SBI_RFENCE=1))

# Ways in which programs end, on some machines of one architecture.
kernel_endings := x86_64 arm64 riscv64
kernel_ending_machines_x86_64 := microvm q35
kernel_ending_machines_arm64  := virt-arm64
kernel_ending_machines_riscv64 := virt-riscv64
define kernel_ending_test
.PHONY: ending-$1
ending-$1: $(BUILD)/kernel/$1/check/ending.elf
	$$(Q)tests/kernel/ending_test $$< $(kernel_ending_machines_$1)
KERNEL_TESTS += ending-$1
ALL_DEPS     += $(BUILD)/kernel/$1/check/ending.elf
endef
$(foreach a,$(kernel_endings),$(eval $(call kernel_ending_test,$a)))

# Images with which the kernel could not run.
define kernel_image_test
$(call kernel_program,$1,$(BUILD)/kernel/$1/check,image,tests/kernel/image.c)
.PHONY: image-$1 built-image-$1
built-image-$1: $(BUILD)/kernel/$1/check/image.elf
image-$1: built-image-$1
	$$(Q)tests/kernel/image_test $(BUILD)/kernel/$1/check/image.elf \
		$(kernel_ending_machines_$1)
KERNEL_TESTS += image-$1
ALL_DEPS     += $(BUILD)/kernel/$1/check/image.elf
endef
$(foreach a,$(kernel_endings),$(eval $(call kernel_image_test,$a)))

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
