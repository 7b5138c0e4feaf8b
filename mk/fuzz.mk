# SPDX-License-Identifier: Apache-2.0
#
# `make fuzz`: libFuzzer on what reads foreign bytes; `make test` runs the kept inputs of each
# target (fuzz/corpus/) and a minute of new ones. docs/fuzzing.md.
#
#   fuzz_srcs_<target>   what it is about, beside fuzz/<target>.c
#   fuzz_flags_<target>  for the compiler; fuzz_libs_<target> for the linker
#
# TARGET, the variable, picks one of them.
include mk/lz4.mk

TARGET            ?=
INPUT             ?=
SECONDS           ?= 60
FUZZ_JOBS         ?= 2
FUZZ_TEST_SECONDS ?= 60

fuzz_targets := recording lackey stream options disk core
fuzz_targets += $(if $(filter lz4,$(KERNEL_COMPRESS)),compressed)

fuzz_srcs_recording := $(addprefix tools/trace/,input.c pgt.c optimum.c prepare.c)
fuzz_libs_recording := -llzma
fuzz_srcs_lackey    := $(addprefix tools/trace/,input.c pgt.c record.c lackey.c)
fuzz_libs_lackey    := -llzma
fuzz_srcs_stream    := apps/replay/player/stream.c apps/replay/player/memory.c
# where a page of the fake address space can be in a process under ASan
fuzz_flags_stream   := -DCONFIG_KERNEL_VM_BASE=0x200000000000
fuzz_srcs_options   := kernel/options.c
# the device's headers come before the kernel's (mk/devices.mk)
fuzz_srcs_disk      := $(devices_srcs)
fuzz_flags_disk     := $(devices_flags)
fuzz_libs_disk      := -no-pie
# one format will do: what differs between them is arithmetic
fuzz_srcs_core      := $(core_lib_srcs)
fuzz_flags_core     := -Iarch/emu -Iarch/x86_64 $(core_flags_common)
fuzz_libs_core      := -lcmocka -ldl -rdynamic
fuzz_srcs_compressed  := kernel/compress/lz4.c $(wildcard store/compressed*.c) store/slots.c \
			 store/ram.c port/strict/strict.c port/strict/store.c \
			 tests/unit/fake_memory.c
fuzz_flags_compressed := -I$(LZ4)
fuzz_libs_compressed  := -lcmocka

fuzz_dir    := $(BUILD)/fuzz
fuzz_cflags := -std=c11 $(WARN) -Iinclude -I. -MMD -MP -O1 -g -D_POSIX_C_SOURCE=200809L \
	       -fno-sanitize-recover=all

# Each is built for libFuzzer, and alone, to run inputs that are kept.
define fuzz_program
fuzz_all += $(patsubst %.c,$(fuzz_dir)/$1/%.o,fuzz/$1.c $(fuzz_srcs_$1))
$(fuzz_dir)/$1/%.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(fuzz_flags_$1) $(fuzz_cflags) -fsanitize=fuzzer-no-link,address,undefined \
		$$(fuzz_more) -c $$< -o $$@
$(fuzz_dir)/fuzz_$1: $(patsubst %.c,$(fuzz_dir)/$1/%.o,fuzz/$1.c $(fuzz_srcs_$1))
	$$(Q)$(CC) -fsanitize=fuzzer,address,undefined $$^ $(fuzz_libs_$1) -o $$@
$(fuzz_dir)/$1/fuzz/kept.o: fuzz_more := -DFUZZ_KEPT='"fuzz/corpus/$1"'
$(fuzz_dir)/kept_$1: $(patsubst %.c,$(fuzz_dir)/$1/%.o,fuzz/kept.c fuzz/$1.c $(fuzz_srcs_$1))
	$$(Q)$(CC) -fsanitize=address,undefined $$^ $(fuzz_libs_$1) -o $$@

.PHONY: fuzz-test-$1
fuzz-test-$1: $(fuzz_dir)/fuzz_$1
	$$(Q)tools/fuzz --tap --build $(fuzz_dir) --seconds $$(FUZZ_TEST_SECONDS) $1
endef
$(foreach t,$(fuzz_targets),$(eval $(call fuzz_program,$t)))

fuzz_chosen := $(or $(TARGET),$(fuzz_targets))

.PHONY: fuzz fuzz-keep
fuzz_programs := $(fuzz_chosen:%=$(fuzz_dir)/fuzz_%)
fuzz: $(fuzz_programs) ## feed junk to what reads foreign bytes (TARGET= SECONDS= INPUT=)
	$(Q)tools/fuzz --build $(fuzz_dir) --seconds $(SECONDS) --jobs $(FUZZ_JOBS) \
		$(if $(INPUT),--input '$(INPUT)') $(fuzz_chosen)

fuzz-keep: $(fuzz_programs) ## keep what `make fuzz` found and adds something
	$(Q)tools/fuzz --build $(fuzz_dir) --keep $(fuzz_chosen)

-include $(sort $(fuzz_all:.o=.d) $(fuzz_targets:%=$(fuzz_dir)/%/fuzz/kept.d))

HOST_TESTS   += $(fuzz_targets:%=$(fuzz_dir)/kept_%)
SCRIPT_TESTS += $(fuzz_targets:%=fuzz-test-%) tests/tools/fuzz_test
TEST_DEPS    += $(fuzz_targets:%=$(fuzz_dir)/fuzz_%)
