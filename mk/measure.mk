# SPDX-License-Identifier: Apache-2.0
#
# `make bench`: exact instruction counts of the reference kernel under -icount, and sizes.
# docs/benchmarks.md.
#
# The library is measured as it ships, assertions off, kernel and library linked as one
# (-flto): without it calls across files add some 10 to 25 %. "small" maps physical memory with
# pages only; "irq" also measures how long interrupts are masked, which costs instructions; "tlb"
# counts what is dropped from the TLB; "disk" tells a disk of requests when the CPU waits, so that
# their ends are exact; "shared", on x86_64, also has no tables of their own for user mode.

include mk/kernel.mk

measure_domains           := -DCONFIG_MEM_DOMAIN_TABLES=300 # 64 domains
measure_flags_bench       := $(measure_domains)
measure_flags_bench-small := -DCONFIG_MMU_LARGE_PAGES=0
measure_flags_bench-irq   := -DCONFIG_KERNEL_IRQ_TIME=1 $(measure_domains)
# pagetable/ finds the counting mmu.h before the machine's
measure_flags_bench-tlb   := -iquote apps/bench/tlb
measure_flags_bench-disk  := -DCONFIG_KERNEL_DISK_AT_IDLE=1
measure_flags_bench-shared := -DCONFIG_X86_KPTI=0 -DCONFIG_KERNEL_DISK_AT_IDLE=1
measure_variants_x86_64   := bench-shared
measure_variants          := bench bench-disk bench-small bench-irq bench-tlb \
			     $(measure_variants_$(ARCH))

$(foreach v,$(measure_variants),\
	$(eval $(call kernel_variant,$v,-flto -DCONFIG_MEM_ASSERT=0 $(measure_flags_$v))))

# ---- sizes: of arrays, at -Os. Text is built and measured by tools/plan_text.py.

measure_dir    := $(BUILD)/bench/$(ARCH)
measure_cc      = $(CC) $(filter-out -g,$(KERNEL_CFLAGS)) -Os -fno-asynchronous-unwind-tables
measure_spaces := 8M 64M 512M 1G
measure_objs   := $(measure_spaces:%=$(measure_dir)/tables/%.o) $(measure_dir)/frames/1000.o

measure_space_8M   := 0x800000
measure_space_64M  := 0x4000000
measure_space_512M := 0x20000000
measure_space_1G   := 0x40000000

# What one array of the library takes, by the space's size and by the number of frames.
$(measure_dir)/tables/%.o: pagetable/tables.c
	@mkdir -p $(@D)
	$(Q)$(measure_cc) -DCONFIG_KERNEL_VM_SIZE=$(measure_space_$*) -c $< -o $@

$(measure_dir)/frames/%.o: mm/frame.c
	@mkdir -p $(@D)
	$(Q)$(measure_cc) -DCONFIG_MEM_FRAMES_MAX=$* -c $< -o $@

-include $(measure_objs:.o=.d)

# ---- running ---------------------------------------------------------------------------

measure_plugin := $(BUILD)/tools/breakdown_plugin.so
measure_files  := $(measure_variants:%=$(KERNEL)/%/bench.elf) $(measure_objs) $(measure_plugin)
BASELINE       ?=

.PHONY: bench
bench: $(measure_files) ## count instructions and bytes (BASELINE=write: keep them)
	$(Q)NM=$(NM) tools/bench --build $(BUILD) --arch $(ARCH) \
		$(if $(filter write,$(BASELINE)),--write-baseline)

# ---- where the instructions of a row are: QEMU counts them by a plugin for this machine -----

$(measure_plugin): tools/breakdown_plugin.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 $(WARN_LIB) -O2 -shared -fPIC $< -o $@

.PHONY: breakdown
breakdown: $(measure_variants:%=$(KERNEL)/%/bench.elf)
breakdown: $(measure_plugin) ## where instructions are (ROW=name of bench, BY=function)
	$(Q)NM=$(NM) tools/breakdown --build $(BUILD) --arch $(ARCH) $(ROW:%=--row %) \
		$(BY:%=--by %)

# ---- baselines, and the figures in the documentation --------------------------------------
#
# bench/*.json are committed; docs/figures.list says which sentence has which number of them.

measure_tools := $(BUILD)/tools/trace $(BUILD)/tools/policies \
		 $(foreach a,x86_64 arm64,$(BUILD)/kernel/$a/replay.elf)

.PHONY: baselines figures check-figures
baselines: $(measure_tools) ## measure everything anew, keep it, and write it into the documentation
	$(Q)$(foreach a,$(KERNEL_ARCHS),$(MAKE) bench ARCH=$a BASELINE=write &&) \
		tools/figures --build $(BUILD) --measure

figures: ## write the figures of bench/*.json into the documentation
	$(Q)tools/figures

check-figures:
	$(Q)tools/figures --tap

.PHONY: check-bench
check-bench: $(measure_files)
	$(Q)tests/tools/bench_test $(BUILD)

.PHONY: check-breakdown
check-breakdown: $(measure_files)
	$(Q)tests/tools/breakdown_test $(BUILD)

TEST_DEPS    += $(measure_files)
SCRIPT_TESTS += check-bench check-breakdown check-figures tests/tools/figures_test
