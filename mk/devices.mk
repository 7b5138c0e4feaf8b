# SPDX-License-Identifier: Apache-2.0
#
# The kernel's disk driver on this machine, with a device in C that lies (tests/host/device). Its
# headers take the place of the kernel's <cpu.h>, <barrier.h> and mmio.h. devices_flags and
# devices_srcs are what a program with that device in it needs, and to be linked with -no-pie: a
# legacy device is told its queue's address in 44 bits.

devices_flags := -Itests/host/device -DCONFIG_KERNEL_IMAGE_OFFSET=0 \
		 -DCONFIG_KERNEL_DISK_POLLS_MAX=300 -fno-pie
devices_srcs  := kernel/virtio.c $(wildcard tests/host/device/*.c)

devices_test  := $(BUILD)/devices/test_device_lies
devices_objs  := $(patsubst %.c,$(BUILD)/devices/%.o,tests/host/test_device_lies.c $(devices_srcs))

$(BUILD)/devices/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(devices_flags) $(CFLAGS_HOST_TEST) -c $< -o $@

$(devices_test): $(devices_objs)
	$(Q)$(CC) $(CFLAGS_HOST_TEST) -no-pie $^ -lcmocka -o $@

-include $(devices_objs:.o=.d)
HOST_TESTS += $(devices_test)
