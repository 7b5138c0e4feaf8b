# SPDX-License-Identifier: Apache-2.0
#
# `make run`: a recorded program's memory, several times larger than the machine's,
# paged to a disk with every stamp verified. `make run-firmware`: an image larger than
# RAM. docs/workloads.md.

RAM        ?= 25
WORKLOAD   ?= sqlite_bulk
POLICY     ?= hazard
DISK_PAGES ?=
COMPRESS   ?=
REQUEST    ?=
CLEAN      ?=
CPU        ?=
run_options = --build $(BUILD) --arch $(ARCH) --ram '$(RAM)' --policy '$(POLICY)' \
	      $(if $(CPU),--cpu '$(CPU)')

# ---- the host's tool for recordings --------------------------------------------------

trace_tool := $(BUILD)/tools/trace
trace_objs := $(patsubst %.c,$(BUILD)/host/%.o,$(wildcard tools/trace/*.c))

$(BUILD)/host/tools/trace/%.o: tools/trace/%.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_LIB) -D_POSIX_C_SOURCE=200809L -O2 -g -c -o $@ $<

$(trace_tool): $(trace_objs)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ -llzma

-include $(trace_objs:.o=.d)

# ---- running ---------------------------------------------------------------------------

.PHONY: run
run: $(trace_tool) $(KERNEL)/replay.elf ## run a recorded program in RAM=25 percent of its memory
# also: WORKLOAD= (a name in workloads/ or a file) POLICY= (hazard, clock, nru, lru) DISK_PAGES=
# COMPRESS= (percent of that RAM in which pages are kept compressed)
# REQUEST= (pages that a request to the disk costs) CLEAN= (frames that are kept free)
# ARCH= CPU= (a CPU model of QEMU's)
	$(Q)tools/run $(run_options) --workload '$(WORKLOAD)' \
		$(if $(DISK_PAGES),--disk-pages '$(DISK_PAGES)') \
		$(if $(COMPRESS),--compress '$(COMPRESS)') \
		$(if $(REQUEST),--request-cost '$(REQUEST)') $(if $(CLEAN),--clean '$(CLEAN)')

# ---- an image larger than RAM: generated code, for the machine and for the host ---------

FIRMWARE_SEED ?= 1
firmware       := $(BUILD)/firmware
firmware_names := module00 module01 module02 module03
firmware_srcs  := $(firmware_names:%=$(firmware)/%.c)

$(firmware_srcs) &: tools/run_generate.py
	$(Q)$(PYTHON) $< $(firmware) $(words $(firmware_names)) $(FIRMWARE_SEED)

# Not optimised: that would take longer than all else in the build.
define run_firmware_rule
$(firmware)/$1/%.o: $(firmware)/%.c apps/firmware/firmware.h
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $(filter-out -g -MMD -MP,$(call kernel_cflags,$1)) -O0 -c -o $$@ $$<
$(BUILD)/kernel/$1/firmware.elf: $(firmware_names:%=$(firmware)/$1/%.o)
endef
$(foreach a,$(sort $(KERNEL_ARCHS) $(ARCH)),$(eval $(call run_firmware_rule,$a)))

$(firmware)/host: tools/run_firmware_host.c apps/firmware/driver.c $(firmware_srcs) \
		  apps/firmware/firmware.h
	$(Q)$(CC) $(filter-out -MMD -MP,$(CFLAGS_LIB)) -O0 -fno-pie -no-pie -o $@ $(filter %.c,$^)

.PHONY: run-firmware
run-firmware: $(KERNEL)/firmware.image $(firmware)/host ## run an image larger than RAM
	$(Q)tools/run_firmware $(run_options) $(if $(REQUEST),--request-cost '$(REQUEST)')

# ---- tests -------------------------------------------------------------------------------

run_tests := test_trace_pgt test_trace_cost test_trace_record test_replay_stream \
	     test_replay_memory

run_srcs_test_trace_pgt     := tools/trace/input.c tools/trace/pgt.c
run_srcs_test_trace_cost    := tools/trace/input.c tools/trace/pgt.c tools/trace/optimum.c
run_srcs_test_trace_record  := tools/trace/input.c tools/trace/pgt.c tools/trace/record.c \
				tools/trace/lackey.c
run_srcs_test_replay_stream := tools/trace/input.c tools/trace/pgt.c \
				tools/trace/prepare.c apps/replay/player/stream.c
run_srcs_test_replay_memory := apps/replay/player/memory.c
# Where a page of the fake address space can be in a process under ASan.
run_flags_test_replay_memory := -DCONFIG_KERNEL_VM_BASE=0x200000000000

define run_test_rule
$(BUILD)/tests/host/$1: tests/host/$1.c $(run_srcs_$1) \
			$(wildcard tests/host/*.h apps/replay/*.h apps/replay/player/*.h) \
			$(wildcard tools/trace/*.h) $(wildcard include/quire/*.h)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(CC) $$(filter-out -MMD -MP,$$(CFLAGS_HOST_TEST)) -D_GNU_SOURCE $(run_flags_$1) \
		-o $$@ $$(filter %.c,$$^) -lcmocka -llzma
endef
$(foreach t,$(run_tests),$(eval $(call run_test_rule,$t)))

HOST_TESTS += $(run_tests:%=$(BUILD)/tests/host/%)

# The same on other machines: ARCH/CPU.
run_models := arm64/cortex-a53 arm64/max riscv64/max

.PHONY: run-archs
run-archs:
	$(Q)tests/host/arch_test $(BUILD) $(run_models)

SCRIPT_TESTS += tests/host/trace_test
KERNEL_TESTS += tests/host/run_test run-archs
TEST_DEPS    += $(trace_tool) $(firmware)/host $(foreach a,$(KERNEL_ARCHS),\
		  $(BUILD)/kernel/$a/replay.elf $(BUILD)/kernel/$a/firmware.image)
