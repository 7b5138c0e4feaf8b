# SPDX-License-Identifier: Apache-2.0
#
# Unit tests of the policies, the stores and the ports: a list of sources for each program.
# A source is compiled once, with the flags of host tests, or with ThreadSanitizer for the
# programs in parts_threaded.
include mk/lz4.mk

parts_policy         := tests/unit/test_policy.c tests/unit/fake_frames.c eviction/clock.c
parts_policy_zephyr  := tests/unit/test_policy_zephyr.c tests/unit/fake_frames.c \
			eviction/nru.c eviction/lru.c
parts_policy_hazard  := tests/unit/test_policy_hazard.c tests/unit/fake_frames.c \
			eviction/clock.c $(wildcard eviction/hazard*.c)
parts_hazard_pool    := tests/unit/test_hazard_pool.c eviction/hazard_pool.c
parts_slots          := tests/unit/test_slots.c store/slots.c
parts_store          := tests/unit/test_store.c tests/unit/fake_memory.c store/slots.c \
			store/ram.c store/image.c port/strict/strict.c
parts_store_zephyr   := tests/unit/test_store_zephyr.c tests/unit/fake_memory.c store/slots.c \
			store/zephyr.c port/strict/strict.c
parts_compressed     := tests/unit/test_compressed.c tests/unit/fake_memory.c store/slots.c \
			store/ram.c $(wildcard store/compressed*.c) port/strict/strict.c \
			port/strict/store.c
parts_compress_lz4   := tests/unit/test_compress_lz4.c kernel/compress/lz4.c
parts_options        := tests/unit/test_options.c kernel/options.c
parts_port           := tests/unit/test_port.c port/strict/strict.c
parts_port_store     := tests/unit/test_port_store.c tests/unit/fake_memory.c store/slots.c \
			store/ram.c store/image.c port/strict/strict.c port/strict/store.c
parts_port_minimal   := tests/unit/test_port_minimal.c port/minimal/minimal.c
parts_port_pthread   := tests/unit/test_port_pthread.c tests/unit/fake_memory.c store/slots.c \
			store/zephyr.c port/pthread/pthread_port.c

parts_plain    := policy policy_zephyr policy_hazard hazard_pool slots store store_zephyr \
		  compressed options port port_store port_minimal
parts_plain    += $(if $(filter lz4,$(KERNEL_COMPRESS)),compress_lz4)
parts_threaded := port_pthread

parts_dir   := $(BUILD)/parts

$(parts_dir)/plain/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) $(parts_define) -c $< -o $@

$(parts_dir)/threaded/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS_HOST_TEST)) \
		-fsanitize=thread -c $< -o $@

$(parts_dir)/plain/kernel/compress/lz4.o: parts_define := -I$(LZ4)
$(parts_dir)/plain/port/minimal/minimal.o: parts_define := -DCONFIG_MEM_PORT_MINIMAL=1

# $(call parts_program,name,plain or threaded)
define parts_program
parts_objects := $(patsubst %.c,$(parts_dir)/$2/%.o,$(parts_$1))
parts_all     += $$(parts_objects)
HOST_TESTS    += $(parts_dir)/test_$1
$(parts_dir)/test_$1: $$(parts_objects)
	$(Q)$(CC) $(parts_link_$2) $$^ -lcmocka -lpthread -o $$@
endef

parts_link_plain    := -fsanitize=address,undefined
parts_link_threaded := -fsanitize=thread

$(foreach p,$(parts_plain),$(eval $(call parts_program,$p,plain)))
$(foreach p,$(parts_threaded),$(eval $(call parts_program,$p,threaded)))

-include $(parts_all:.o=.d)
