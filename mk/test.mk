# SPDX-License-Identifier: Apache-2.0
#
# `make test`: everything the fragments put into HOST_TESTS, SCRIPT_TESTS and
# KERNEL_TESTS, run and counted by tools/tap. TESTS= picks some by part of their
# name; SEED= repeats a random test; TEST_TIMEOUT= is seconds for one program.

TEST_TIMEOUT ?= 300
TEST_JOBS    ?= 2

# A word without a slash is a target of make that prints TAP.
tap_words = $(foreach t,$(HOST_TESTS) $(SCRIPT_TESTS) $(KERNEL_TESTS),\
	$(if $(findstring /,$t),$t,make:$t))
tap_chosen = $(if $(TESTS),$(foreach w,$(TESTS),$(foreach t,$(tap_words),\
	$(if $(findstring $w,$t),$t))),$(tap_words))

# Not written out in the recipe, or `make -n` would run it as a recursive call.
tap_make = $(MAKE)

.PHONY: test
test: all ## run every test (TESTS=part-of-name SEED=n TEST_TIMEOUT=s)
	$(Q)MAKE='$(tap_make)' $(if $(SEED),SEED=$(SEED)) tools/tap --jobs $(TEST_JOBS) \
		--timeout $(TEST_TIMEOUT) $(sort $(tap_chosen))

SCRIPT_TESTS += tests/tools/tap_test
SCRIPT_TESTS += tests/tools/matrix_test
