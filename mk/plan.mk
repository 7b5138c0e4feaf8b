# SPDX-License-Identifier: Apache-2.0
#
# `make plan`: what page tables and bookkeeping cost, and text and data (tools/plan). KERNEL_CONFIG
# and PROFILE count.

plan_arch = $(if $(filter file,$(origin ARCH)),,--arch $(ARCH))

.PHONY: plan
plan: ## bytes of tables, bookkeeping, code, features (ARCH= PROFILE= KERNEL_CONFIG=-D... JSON=file)
	$(Q)tools/plan --cc $(CC) --build $(BUILD)/plan --config='$(KERNEL_CONFIG)' \
		$(plan_arch) --text $(ARCH) $(if $(JSON),--json $(JSON))

SCRIPT_TESTS += tests/tools/plan_test

# ---- pagetable/geometry.h, for each format and several spaces: BASE:BYTES --------------

geometry_dir     := $(BUILD)/tests/geometry
geometry_formats := x86_64:X86_LA57=0 x86_64:X86_LA57=1 arm64:ARM64_VA_BITS=39 \
		    arm64:ARM64_VA_BITS=48 riscv64:RISCV_SV=39 riscv64:RISCV_SV=48 \
		    riscv64:RISCV_SV=57
# As configured by default; an odd size, low; one page at 0; across a table's end on two
# levels; up to the last address there is.
geometry_spaces  := 0xffffffff80000000:0x20000000 0x40000000:0x201000 0:0x1000 \
		    0xffffffffbfe00000:0x601000 0xffffffffffe00000:0x200000
geometry_word     = $(word $2,$(subst :, ,$1))

# OBJECT, FORMAT, SPACE
define geometry_object
$1: tests/unit/test_geometry.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_HOST_TEST) -Iarch/$(call geometry_word,$2,1) \
		-DCONFIG_$(call geometry_word,$2,2) -DGEOMETRY='"$2 $3"' \
		-DCONFIG_KERNEL_VM_BASE=$(call geometry_word,$3,1) \
		-DCONFIG_KERNEL_VM_SIZE=$(call geometry_word,$3,2) -c $$< -o $$@
geometry_objs += $1
endef
geometry_name = $(geometry_dir)/$(subst =,_,$(subst :,_,$1_$2)).o
$(foreach format,$(geometry_formats),$(foreach space,$(geometry_spaces),$(eval \
	$(call geometry_object,$(call geometry_name,$(format),$(space)),$(format),$(space)))))

$(geometry_dir)/main.o: tests/unit/geometry_main.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) -c $< -o $@

$(geometry_dir)/test_geometry: $(geometry_dir)/main.o $(geometry_objs)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) $^ -lcmocka -o $@

-include $(geometry_objs:.o=.d) $(geometry_dir)/main.d
HOST_TESTS += $(geometry_dir)/test_geometry
