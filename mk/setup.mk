# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that a command needs and that are missing, before
# anything is built: while this file is read, so that no rule must ask for it.
# KERNEL_ARCHS, whose machines tests need, is kernel.mk's.
# tools/packages.txt says what is needed for what. SETUP=no skips it.

include mk/kernel.mk

SETUP ?= yes
export SETUP

.PHONY: setup
setup: ## install the Debian packages that are missing (SETUP=no: never)
	$(Q)tools/setup run test record curves $(KERNEL_ARCHS)
	$(Q)rm -f $(LZ4)/unavailable
	$(Q)$(lz4_fetch)

# `make help` and `make clean` need nothing; recursive calls were looked after.
setup_goals := $(filter-out help clean setup,$(MAKECMDGOALS))
setup_curves := $(filter curves,$(setup_goals))
setup_tests := $(filter test check% tidy layers mutants fuzz% baselines all \
	       $(BUILD)/tests/% $(BUILD)/fuzz/%,$(setup_goals))
ifneq ($(setup_goals),)
ifeq ($(MAKELEVEL),0)
$(shell tools/setup run $(ARCH) $(if $(setup_curves),curves) \
	$(if $(setup_tests),test record curves $(KERNEL_ARCHS)) >&2)
ifneq ($(.SHELLSTATUS),0)
$(error packages are missing and could not be installed)
endif
endif
endif
