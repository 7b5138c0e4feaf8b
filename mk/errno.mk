# SPDX-License-Identifier: Apache-2.0
#
# A library and a host that have another <errno.h> each: the library is compiled as for a machine
# without one, the host with newlib's (tests/host/errno).

errno_dir      := $(BUILD)/errno
errno_flags    := $(core_flags_common) -Iarch/emu -Iarch/x86_64
errno_lib      := $(LIB_SRCS:%.c=$(errno_dir)/lib/%.o)
errno_host     := $(patsubst %.c,$(errno_dir)/host/%.o,$(wildcard arch/emu/*.c port/strict/*.c) \
		    $(filter-out tests/core/test_%,$(wildcard tests/core/*.c)) \
		    tests/host/errno/test_newlib.c)
errno_test     := $(errno_dir)/test_newlib

$(errno_dir)/lib/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) -ffreestanding $(errno_flags) -c $< -o $@

$(errno_dir)/host/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) -Itests/host/errno/newlib $(CFLAGS_HOST_TEST) $(errno_flags) -c $< -o $@

$(errno_test): $(errno_lib) $(errno_host)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) -rdynamic $^ -lcmocka -ldl -o $@

.PHONY: check-errno built-check-errno
built-check-errno: $(errno_dir)/lib/mm/init.o
check-errno: built-check-errno
	$(Q)tests/host/errno/errno_test $(errno_dir)/lib/mm/init.o

-include $(errno_lib:.o=.d) $(errno_host:.o=.d)
HOST_TESTS   += $(errno_test)
TEST_DEPS    += $(errno_dir)/lib/mm/init.o
SCRIPT_TESTS += check-errno
