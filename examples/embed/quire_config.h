/* SPDX-License-Identifier: Apache-2.0 */
/* What the example fixes at build time; the rest is as in quire/config.h. */
#define CONFIG_KERNEL_VM_SIZE 0x1000000
#define CONFIG_MEM_PORT_MINIMAL 1
