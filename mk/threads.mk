# SPDX-License-Identifier: Apache-2.0
#
# Tests of the core under many threads, on the objects of mk/core.mk. tests/threads/test_*.c
# run on fibers, which are switched by random numbers (tests/threads/fiber.h).

threads_formats  := x86_64 arm64 riscv64
threads_variants := plain small
threads_tests    := $(filter-out test_pairs,$(patsubst tests/threads/%.c,%,\
		    $(wildcard tests/threads/test_*.c)))
threads_objs     := $(filter-out port/strict/strict.o,$(patsubst %.c,%.o,$(LIB_SRCS) \
		    $(wildcard arch/emu/*.c port/strict/*.c) \
		    $(filter-out tests/core/test_%,$(wildcard tests/core/*.c)))) \
		    tests/threads/fiber.o

# $1 format, $2 variant
define threads_rules
$(BUILD)/tests/threads/$1-$2/test_%: $(BUILD)/core/$1-$2/tests/threads/test_%.o \
				     $(threads_objs:%=$(BUILD)/core/$1-$2/%)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_HOST_TEST) -rdynamic $$^ -lcmocka -ldl -o $$@

HOST_TESTS += $(threads_tests:%=$(BUILD)/tests/threads/$1-$2/%)
.SECONDARY: $(threads_tests:%=$(BUILD)/core/$1-$2/tests/threads/%.o) \
	    $(BUILD)/core/$1-$2/tests/threads/fiber.o
endef
$(foreach f,$(threads_formats),$(foreach v,$(threads_variants),$(eval $(call threads_rules,$f,$v))))

# The variant `pairs` has one test, which counts what met what (tests/threads/pairs.h).
define threads_pairs_rules
$(BUILD)/tests/threads/$1-pairs/test_pairs: $(threads_objs:%=$(BUILD)/core/$1-pairs/%) \
		$(BUILD)/core/$1-pairs/tests/threads/pairs.o \
		$(BUILD)/core/$1-pairs/tests/threads/test_pairs.o
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_HOST_TEST) -rdynamic $$^ -lcmocka -ldl -o $$@

HOST_TESTS += $(BUILD)/tests/threads/$1-pairs/test_pairs
endef
$(foreach f,$(threads_formats),$(eval $(call threads_pairs_rules,$f)))

# tests/threads/pthreads: threads of the host, under ThreadSanitizer.
threads_tsan_dir  := $(BUILD)/threads/tsan
threads_tsan_objs := $(patsubst %.c,$(threads_tsan_dir)/%.o,$(LIB_SRCS) \
		     $(wildcard arch/emu/*.c port/pthread/*.c tests/threads/pthreads/*.c))

$(threads_tsan_dir)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 $(WARN) -Iinclude -I. -MMD -MP -O1 -g -fsanitize=thread \
		-Iarch/emu -Iarch/x86_64 $(core_flags_common) -D_POSIX_C_SOURCE=200809L -c $< -o $@

$(BUILD)/tests/threads/tsan/test_pthreads: $(threads_tsan_objs)
	@mkdir -p $(@D)
	$(Q)$(CC) -fsanitize=thread -rdynamic -pthread $^ -lcmocka -ldl -o $@

HOST_TESTS += $(BUILD)/tests/threads/tsan/test_pthreads
-include $(threads_tsan_objs:.o=.d)
