/* SPDX-License-Identifier: Apache-2.0 */
/*
 * none.c - no compressor: the sources of LZ4 could not be had when the kernel was built.
 */
#include "kernel/compress.h"

const struct k_mem_compressor *const kernel_compressor = NULL;
