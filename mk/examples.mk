# SPDX-License-Identifier: Apache-2.0
#
# The examples. embed is a project of its own, which its test builds as a user would; the others
# run on the reference kernel, in user mode: build/kernel/<arch>/<example>.elf.
include mk/kernel.mk

SCRIPT_TESTS += tests/examples/embed_test

examples_user := sharing driver
# ARCH, EXAMPLE
define examples_rule
$(call kernel_program,$1,$(BUILD)/kernel/$1,$2,examples/$2/main.c,\
	$(patsubst %/,%,$(sort $(dir $(wildcard examples/$2/*/*.c)))))
endef
# MACHINE
define examples_test
.PHONY: examples-$1
examples-$1: $(examples_user:%=$(BUILD)/kernel/$(kernel_arch_$1)/%.elf)
	$$(Q)tests/examples/user_test $1 $$(<D)
KERNEL_TESTS += examples-$1
endef
$(foreach a,$(KERNEL_USER_ARCHS),$(foreach e,$(examples_user),\
	$(eval $(call examples_rule,$a,$e))))
$(foreach m,microvm virt-arm64 virt-riscv64,$(eval $(call examples_test,$m)))
