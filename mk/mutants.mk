# SPDX-License-Identifier: Apache-2.0
#
# `make mutants`: mistakes are made in the core, one at a time, and the tests must see each.
# docs/mutants.md.

MUTANTS ?=

.PHONY: mutants check-mutants
mutants: ## make mistakes in the core and see that tests see them (MUTANTS=names)
	$(Q)tools/mutants --build $(BUILD) $(if $(MUTANTS),$(MUTANTS),--table docs/mutants.md)

check-mutants:
	$(Q)tests/tools/mutants_test $(BUILD)

SCRIPT_TESTS += check-mutants
