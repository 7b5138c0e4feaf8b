# SPDX-License-Identifier: Apache-2.0
#
# LZ4's own sources, with which the reference kernel compresses pages: no package has them for
# the kernel's machines, so they are compiled here (kernel/compress/lz4.c), from Debian's source
# package, fetched once into build/lz4. Where that cannot be done, which is said, the kernel is
# built without a compressor, and refuses option `compress`. To put them there by hand: lz4.c and
# lz4.h of LZ4's folder lib.
#
#   KERNEL_COMPRESS   lz4 or none, a file of kernel/compress/
#   LZ4               the folder

ifndef LZ4_MK
LZ4_MK := read

LZ4       := $(BUILD)/lz4
lz4_fetch := tools/source lz4 $(LZ4) lib/lz4.c lib/lz4.h lib/LICENSE

# As with packages (mk/setup.mk), before anything is built.
ifneq ($(filter-out help clean setup,$(MAKECMDGOALS)),)
ifeq ($(MAKELEVEL),0)
$(shell $(lz4_fetch) >&2)
endif
endif
KERNEL_COMPRESS := $(shell [ -e $(LZ4)/lz4.c ] && echo lz4 || echo none)

SCRIPT_TESTS += tests/tools/source_test

endif
