# SPDX-License-Identifier: Apache-2.0
#
# The checks of the source text, each counted as tests by `make test`: tools/tidy (style),
# tools/layers (who may include whom), tools/names (what the documentation names), and what of
# the style needs a compiler.
include mk/kernel.mk

.PHONY: tidy layers names check-tidy check-layers check-names check-library
tidy: ## check the style (silent when all is well)
	$(Q)tools/tidy

layers: ## check who includes whom (silent when all is well)
	$(Q)tools/layers

names: ## check that what the documentation names is there (silent when all is well)
	$(Q)tools/names

check-tidy:
	$(Q)tools/tidy --tap

check-layers:
	$(Q)tools/layers --tap

check-names:
	$(Q)tools/names --tap

# The library for a machine without an operating system, to look at its symbols.
check_srcs := $(LIB_SRCS) $(sort $(wildcard arch/x86_64/*.[cS]))
check_objs := $(check_srcs:%=$(BUILD)/check/%.o)

$(BUILD)/check/%.o: %
	@mkdir -p $(@D)
	$(Q)$(CC) --target=x86_64-elf -ffreestanding -nostdlibinc -mno-red-zone \
		-mgeneral-regs-only -mcmodel=kernel -Os $(CFLAGS_LIB) -Iarch/x86_64 -c $< -o $@

-include $(check_objs:.o=.d)

check-library: $(check_objs)
	$(Q)tests/tools/library_test $(check_objs)

# No register that traps do not save, in the kernels either, but for the code that starts a machine:
# it has data and other modes' instructions between.
check_kernel_objs = $(foreach a,$(KERNEL_ARCHS),$(patsubst %,$(BUILD)/kernel/$a/obj/%.o,\
		      $(filter-out kernel/$a/boot.S,$(call kernel_srcs,$a))))

.PHONY: check-objects built-check-objects
built-check-objects: $(foreach a,$(KERNEL_ARCHS),$(BUILD)/kernel/$a/hello.elf)
check-objects: built-check-objects
	$(Q)tests/tools/objects_test $(check_kernel_objs)

TEST_DEPS    += $(check_objs) $(foreach a,$(KERNEL_ARCHS),$(BUILD)/kernel/$a/hello.elf)
SCRIPT_TESTS += check-tidy check-layers check-names check-library check-objects \
		tests/tools/names_test \
		tests/tools/tidy_test tests/tools/layers_test tests/tools/setup_test \
		tests/tools/ci_test tests/tools/null_test

.PHONY: check-tree built-check-tree
built-check-tree:
check-tree:
	$(Q)tests/tools/tree_test

SCRIPT_TESTS += check-tree
