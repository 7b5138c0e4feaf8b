# SPDX-License-Identifier: Apache-2.0
#
# The examples are projects of their own; their tests build them as a user would.

SCRIPT_TESTS += tests/examples/embed_test
