# SPDX-License-Identifier: Apache-2.0
#
# `make port ARCH=name`: what of a port, the folder arch/<name>, is there and is proved, by the
# rows of docs/porting.md (tools/port).
include mk/kernel.mk

port_machine_test = $(if $(filter x86_64,$(ARCH)),conformance-microvm,conformance-$(ARCH))

.PHONY: port
port: ## say row by row what of a port passes (ARCH=its folder)
	$(Q)MAKE='$(tap_make)' tools/port --build $(BUILD) --arch $(ARCH) --cc $(CC) --nm $(NM) \
		--flags='$(kernel_flags_$(ARCH))' --machine-test $(port_machine_test)

SCRIPT_TESTS += tests/tools/port_test
