/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.h - the machine part of a 32-bit port, for `make compile-32`: the skeleton's, which is C.
 */
#include "arch/skeleton/mmu.h"
