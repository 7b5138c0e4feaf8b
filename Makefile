# SPDX-License-Identifier: Apache-2.0
#
# Quire is built by this file and the fragments in mk/, in any order: a fragment
# appends to the lists below and gives rules of its own. `make help` lists what
# there is; a target is listed when its line ends in "## one sentence".
#
#   HOST_TESTS    programs of this machine that print TAP; built before the tests run
#   SCRIPT_TESTS  scripts that print TAP
#   KERNEL_TESTS  the same for tests that boot a machine: a word with a slash is a
#                 script, another is a target of make that prints TAP
#   TEST_DEPS     files that scripts of the two lists need
#   ALL_DEPS      what `make all` builds beside HOST_TESTS and TEST_DEPS
#
# Lists are used after all fragments were read. In a fragment's rules use only
# variables that are set here or in the fragment itself.

BUILD   := build
ARCH    ?= x86_64
CC      := clang-14
CXX     := clang++-14
LD      := ld.lld-14
AR      := llvm-ar-14
NM      := llvm-nm-14
OBJCOPY := llvm-objcopy-14
PYTHON  := /usr/bin/python3
Q       := $(if $(V),,@)

# Warnings of everything, and the further ones of the library.
WARN     := -Wall -Wextra -Werror
WARN_LIB := $(WARN) -Wshadow -Wmissing-prototypes -Wstrict-prototypes

CFLAGS_LIB       := -std=c11 $(WARN_LIB) -Iinclude -I. -MMD -MP
CFLAGS_HOST_TEST := -std=c11 $(WARN) -Iinclude -I. -MMD -MP -O1 -g \
		    -fsanitize=address,undefined -fno-sanitize-recover=all

# Entry formats, one of each port; the library's sources, to which a port adds arch/<isa>/*.c.
FORMATS  := $(sort $(patsubst arch/%/entry.h,%,$(wildcard arch/*/entry.h)))
LIB_SRCS := $(sort $(wildcard mm/*.c pagetable/*.c eviction/*.c store/*.c))

HOST_TESTS   :=
SCRIPT_TESTS :=
KERNEL_TESTS :=
TEST_DEPS    :=
ALL_DEPS     :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

include $(sort $(wildcard mk/*.mk))

# Files of dependencies are written by the compiler: no pattern rule makes them.
$(sort $(filter $(BUILD)/%.d,$(MAKEFILE_LIST))): ;

.PHONY: help all clean
help: ## list the targets
	$(Q)sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' \
		$(sort $(filter-out %.d,$(MAKEFILE_LIST))) | \
		awk -F '\t' '{ printf "make %-16s %s\n", $$1, $$2 }'

all: $(ALL_DEPS) $(HOST_TESTS) $(TEST_DEPS) ## build everything

clean: ## remove what was built
	$(Q)rm -rf $(BUILD)
