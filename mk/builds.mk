# SPDX-License-Identifier: Apache-2.0
#
# The library by gcc and clang, with every switch of config.h alone and with random sets of them
# (tools/builds), in parts that run side by side and share objects. Before that nothing is built.

builds_parts := 1 2 3 4 5 6

define builds_rule
.PHONY: builds-$1 built-builds-$1
built-builds-$1: ;
builds-$1:
	$$(Q)tools/builds --build $(BUILD) --part $1/$(words $(builds_parts))
SCRIPT_TESTS += builds-$1
endef
$(foreach p,$(builds_parts),$(eval $(call builds_rule,$p)))
