/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compress.h - the compressor of the compressed store. One of the files in kernel/compress/ is
 * built: lz4.c where the sources of LZ4 could be had (mk/lz4.mk), none.c where not.
 */
#ifndef KERNEL_COMPRESS_H
#define KERNEL_COMPRESS_H

#include <quire/compressed.h>

/* NULL: none was built in. */
extern const struct k_mem_compressor *const kernel_compressor;

/* Memory to work in that suffices for it. */
#define KERNEL_COMPRESS_WORK_BYTES 8192u

#endif /* KERNEL_COMPRESS_H */
