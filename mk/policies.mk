# SPDX-License-Identifier: Apache-2.0
#
# `make policies`, `make curves`: the eviction policies on recordings, replayed on the host with
# the same source files as in the kernel; `make policies-kernel`: and in the kernel.
# docs/eviction.md.

TRACES ?=

policies_tool := $(BUILD)/tools/policies
policies_srcs := $(wildcard tools/policies/*.c) $(sort $(wildcard eviction/*.c))
policies_objs := $(policies_srcs:%.c=$(BUILD)/policies/%.o)
# what it shares with tools/trace
policies_trace := $(patsubst %,$(BUILD)/host/tools/trace/%.o,input pgt optimum prepare)
# what replays recordings in the kernel
policies_kernel := $(BUILD)/tools/trace $(BUILD)/kernel/$(ARCH)/replay.elf

$(BUILD)/policies/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_LIB) -D_POSIX_C_SOURCE=200809L -O2 -g -c -o $@ $<

$(policies_tool): $(policies_objs) $(policies_trace)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ -llzma

-include $(policies_objs:.o=.d)

.PHONY: policies
policies: $(policies_tool) $(BUILD)/tools/cluster
policies: ## compare the eviction policies on all recordings (TRACES=folder)
	$(Q)tools/policies_table.py --program $(policies_tool) \
		--clusters $(BUILD)/tools/cluster $(TRACES)

.PHONY: policies-kernel
policies-kernel: $(policies_tool) $(policies_kernel) ## compare `make run` with the host's replay
	$(Q)tools/policies_kernel.py --build $(BUILD) --arch $(ARCH)

.PHONY: curves
curves: $(policies_tool) ## draw page-ins and I/O of WORKLOAD= against the size of RAM
	$(Q)tools/curves --program $(policies_tool) --out $(BUILD)/curves '$(WORKLOAD)'

SCRIPT_TESTS += tests/host/policies_test
KERNEL_TESTS += tests/host/policies_kernel_test
TEST_DEPS    += $(policies_tool)
