# SPDX-License-Identifier: Apache-2.0
#
# Unit tests of mm/space: one program for each size of the space, in pages. The
# library's part of it counts its basic blocks and checks all that it can.

space_sizes := 2 8 64 65 100 1024 262144
space_dir   := $(BUILD)/tests/space
space_flags := $(CFLAGS_HOST_TEST) -O2 -DCONFIG_MEM_ASSERT=2

# $(1): pages
define space_test
space_objs_$(1) := $(addprefix $(space_dir)/$(1)/,\
	mm/space.o mm/space_holes.o tests/unit/test_space.o)

$(space_dir)/$(1)/mm/%.o: mm/%.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(space_flags) -DCONFIG_KERNEL_VM_SIZE=$(1)*4096UL \
		-fsanitize-coverage=trace-pc -c $$< -o $$@

$(space_dir)/$(1)/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(space_flags) -DCONFIG_KERNEL_VM_SIZE=$(1)*4096UL -c $$< -o $$@

$(space_dir)/test_space_$(1): $$(space_objs_$(1))
	$$(Q)$$(CC) $$(space_flags) $$^ -lcmocka -o $$@

HOST_TESTS += $(space_dir)/test_space_$(1)
-include $$(space_objs_$(1):.o=.d)
endef

$(foreach pages,$(space_sizes),$(eval $(call space_test,$(pages))))
