# SPDX-License-Identifier: Apache-2.0
#
# Tests of the entry formats and of the emulated machine, each built once for every
# format and for every configuration that changes a format; and of what faults say.
#
#   codec_variants      format, or format-configuration
#   codec_flags_<that>  what the compiler is told beside the format

codec_variants := $(FORMATS) x86_64-la57 x86_64-no1g arm64-va39 \
		  riscv64-sv39 riscv64-sv57 riscv64-svpbmt

codec_flags_x86_64-la57    := -DCONFIG_X86_LA57=1
codec_flags_x86_64-no1g    := -DCONFIG_X86_1G_LEAVES=0
codec_flags_arm64-va39     := -DCONFIG_ARM64_VA_BITS=39
codec_flags_riscv64-sv39   := -DCONFIG_RISCV_SV=39
codec_flags_riscv64-sv57   := -DCONFIG_RISCV_SV=57
codec_flags_riscv64-svpbmt := -DCONFIG_RISCV_SVPBMT=1

codec_dir   := $(BUILD)/tests/codec
codec_tests := $(codec_variants:%=$(codec_dir)/test_codec_%)
emu_tests   := $(codec_variants:%=$(codec_dir)/test_emu_%)
codec_of     = -Iarch/$(firstword $(subst -, ,$*)) $(codec_flags_$*)

$(codec_tests): $(codec_dir)/test_codec_%: tests/unit/test_codec.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) $(codec_of) $< -lcmocka -o $@

$(codec_dir)/test_codec_inverted: tests/unit/test_codec_inverted.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) -Iarch/x86_64 $< -lcmocka -o $@

fault_tests := $(patsubst %,$(codec_dir)/test_fault_%,$(FORMATS))
$(fault_tests): $(codec_dir)/test_fault_%: tests/unit/test_fault.c arch/%/fault.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(CFLAGS_HOST_TEST)) -Iarch/$* $^ -lcmocka -o $@

# x86_64's copy runs where the host is one.
canonical_tests := $(if $(filter x86_64,$(shell uname -m)),\
		     $(codec_dir)/test_canonical_x86_64 $(codec_dir)/test_canonical_x86_64-la57)
$(canonical_tests): $(codec_dir)/test_canonical_%: tests/unit/test_canonical.c arch/x86_64/user.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(CFLAGS_HOST_TEST)) $(codec_of) -DCONFIG_USERSPACE=1 \
		-D_POSIX_C_SOURCE=200809L $^ -lcmocka -o $@

emu_sources := $(wildcard arch/emu/*.c) tests/unit/test_emu.c
emu_objects := $(notdir $(emu_sources:.c=.o))

$(emu_tests): $(codec_dir)/test_emu_%: $(addprefix $(codec_dir)/%/,$(emu_objects))
	$(Q)$(CC) $(CFLAGS_HOST_TEST) $^ -lcmocka -o $@

# The stem of these rules is the variant.
define codec_object_rule
$(codec_dir)/%/$(notdir $(1:.c=.o)): $1
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_HOST_TEST) -Iarch/emu $$(codec_of) -c $$< -o $$@
endef
$(foreach s,$(emu_sources),$(eval $(call codec_object_rule,$s)))

.SECONDARY: $(foreach v,$(codec_variants),$(emu_objects:%=$(codec_dir)/$v/%))
-include $(wildcard $(codec_dir)/*.d $(codec_dir)/*/*.d)

HOST_TESTS += $(codec_tests) $(codec_dir)/test_codec_inverted $(fault_tests) $(emu_tests) \
	      $(canonical_tests)
