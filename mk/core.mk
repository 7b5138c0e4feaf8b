# SPDX-License-Identifier: Apache-2.0
#
# Tests of the whole core on the emulated machine: each tests/core/test_*.c is built for
# every entry format. A variant is the library with other configuration values: its flags are
# core_flags_<variant>, and core_tests_<variant> names its test programs.

core_formats  := x86_64 arm64 riscv64
core_variants := plain eager small split single pairs million tiny

core_flags_common := -DCONFIG_KERNEL_VM_BASE=0x40000000 -DCONFIG_KERNEL_VM_SIZE=0x1000000 \
		     -DCONFIG_KERNEL_IMAGE_OFFSET=0 -DCONFIG_MEM_FRAMES_MAX=4096 \
		     -DCONFIG_MEM_ASSERT=2 -DCONFIG_MEM_POLLS_MAX=100 -DCONFIG_USERSPACE=1
core_flags_plain  :=
core_flags_eager  := -DCONFIG_DEMAND_PAGING=0
# limits shrunk to give mistakes a chance, and no page of zeros
core_flags_small  := -DCONFIG_MEM_BATCH=3 -DCONFIG_MEM_TLB_RANGE_MAX=2 -DCONFIG_EVICTION_TRIES=2 \
		     -DCONFIG_DEMAND_PAGING_ZERO_PAGE=0
# user mode with tables of its own, as with KPTI
core_flags_split  := -DCONFIG_EMU_SPLIT=1
# one page a request, whatever a request costs; and private tables that fill a large leaf
core_flags_single := -DCONFIG_MEM_CLUSTER=0 -DCONFIG_MEM_DOMAIN_TABLES=1100
# the profile of that name, in which nobody can be in user mode (mk/conformance.mk)
core_flags_tiny   := -DQUIRE_PROFILE=tiny -UCONFIG_USERSPACE
# each function has a frame, and what is the core's counts the blocks that it runs (mk/threads.mk)
core_flags_pairs   = -fno-inline -fno-omit-frame-pointer -fno-optimize-sibling-calls \
		     $(if $(filter $(core_counted),$<),-fsanitize-coverage=trace-pc)
core_counted      := mm/% pagetable/% store/% eviction/%
# more than a million operations, three formats together, each checked: without sanitizers
core_flags_million := -DDOMAIN_MODEL_STEPS=170000

core_tests        := $(patsubst tests/core/%.c,%,$(wildcard tests/core/test_*.c))
core_tests_plain  := $(filter-out test_eager test_domain_large,$(core_tests))
core_tests_eager  := $(filter test_eager test_model test_uninit,$(core_tests))
core_tests_small  := $(filter test_model test_fail test_tiny test_races test_cluster \
		     test_domain_races test_domain_pool test_domain_anon \
		     test_domain_model test_low_ram test_uninit,$(core_tests))

core_tests_split  := $(filter test_domain% test_model test_uninit,$(core_tests_plain))
core_tests_small  += test_domain_counts test_lost_slots test_context
core_tests_single := test_model test_domain_large
core_tests_million := test_domain_model

core_cc            = $(CC) $(CFLAGS_HOST_TEST)
core_cc_million   := $(CC) $(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS_HOST_TEST)) -O2

core_lib_srcs := $(LIB_SRCS) $(wildcard arch/emu/*.c port/strict/*.c) \
		 $(filter-out tests/core/test_%,$(wildcard tests/core/*.c))
# what programs have of their own, in place of the library's: test_tags forces counters
core_own_tags := pagetable/set
core_globalize := llvm-objcopy-14 --globalize-symbol=generation --globalize-symbol=tag_next
# what test_domain_model shares with the kernel's test
core_model_srcs := $(addprefix tests/domains/,accesses.c model.c operations.c walk.c)

# $1 format, $2 variant
define core_rules
core_dir_$1_$2  := $(BUILD)/core/$1-$2
core_objs_$1_$2 := $(core_lib_srcs:%.c=$(BUILD)/core/$1-$2/%.o)

$(BUILD)/core/$1-$2/%.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$(or $(core_cc_$2),$(core_cc)) -Iarch/emu -Iarch/$1 $(core_flags_common) \
		$$(core_flags_$2) -c $$< -o $$@

$(BUILD)/core/$1-$2/pagetable/set.open.o: $(BUILD)/core/$1-$2/pagetable/set.o
	$$(Q)$$(core_globalize) $$< $$@

$(BUILD)/tests/core/$1-$2/test_tags: $(BUILD)/core/$1-$2/pagetable/set.open.o

$(BUILD)/tests/core/$1-$2/test_domain_model: \
		$(core_model_srcs:%.c=$(BUILD)/core/$1-$2/%.o)

$(BUILD)/tests/core/$1-$2/test_%: $(BUILD)/core/$1-$2/tests/core/test_%.o $$(core_objs_$1_$2)
	@mkdir -p $$(@D)
	$$(Q)$(or $(core_cc_$2),$(core_cc)) -rdynamic \
		$$(filter-out $$(core_own_$$*:%=$(BUILD)/core/$1-$2/%.o),$$^) -lcmocka -ldl -o $$@

HOST_TESTS += $(core_tests_$2:%=$(BUILD)/tests/core/$1-$2/%)
.SECONDARY: $$(core_objs_$1_$2) $(core_tests_$2:%=$(BUILD)/core/$1-$2/tests/core/%.o)
-include $$(wildcard $(BUILD)/core/$1-$2/*/*.d $(BUILD)/core/$1-$2/*/*/*.d)
endef
$(foreach f,$(core_formats),$(foreach v,$(core_variants),$(eval $(call core_rules,$f,$v))))
