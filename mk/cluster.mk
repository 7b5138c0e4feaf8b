# SPDX-License-Identifier: Apache-2.0
#
# `make clusters`: what moving several pages by one request saves, on recordings replayed on the
# core itself. docs/architecture.md, section 8.

cluster_tool  := $(BUILD)/tools/cluster
cluster_objs  := $(patsubst %.c,$(BUILD)/cluster/%.o,$(LIB_SRCS) $(wildcard arch/emu/*.c) \
		 port/strict/strict.c $(wildcard tools/cluster/*.c))
cluster_trace := $(patsubst %,$(BUILD)/host/tools/trace/%.o,input pgt optimum prepare)

$(BUILD)/cluster/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_LIB) -D_POSIX_C_SOURCE=200809L -O2 -g -Iarch/emu -Iarch/x86_64 \
		-DCONFIG_KERNEL_VM_BASE=0x40000000 -DCONFIG_KERNEL_VM_SIZE=0x8000000 \
		-DCONFIG_KERNEL_IMAGE_OFFSET=0 -DCONFIG_MEM_ASSERT=1 -c -o $@ $<

$(cluster_tool): $(cluster_objs) $(cluster_trace)
	@mkdir -p $(@D)
	$(Q)$(CC) -rdynamic -o $@ $^ -llzma -ldl

-include $(cluster_objs:.o=.d)

.PHONY: clusters
clusters: $(cluster_tool) ## what several pages in a request save on recordings (TRACES=folder)
	$(Q)tools/clusters_table --program $(cluster_tool) $(TRACES)

SCRIPT_TESTS += tests/host/clusters_test
TEST_DEPS    += $(cluster_tool)
