/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio_blk.h - what a virtio disk is asked, and what it says (Virtio 1.1, section 5.2.6).
 */
#ifndef KERNEL_VIRTIO_BLK_H
#define KERNEL_VIRTIO_BLK_H

#include <stdint.h>

#define REQUEST_IN     0u
#define REQUEST_OUT    1u
#define REQUEST_SERIAL 8u
#define SERIAL_BYTES   20u

/* The last byte of a request, which the device writes. */
#define STATUS_OK          0u
#define STATUS_IO_ERROR    1u
#define STATUS_UNSUPPORTED 2u
#define STATUS_NONE        0xffu /* no device's: nothing was written there */

struct request_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

/* The name of a disk, SERIAL_BYTES and a zero, is printed and compared: it ends before what is no
 * letter. */
static inline void virtio_blk_name_cut(char *name)
{
	for (uint32_t i = 0; i < SERIAL_BYTES; i++) {
		if (name[i] <= ' ' || name[i] > '~') {
			name[i] = '\0';
		}
	}
}

#endif /* KERNEL_VIRTIO_BLK_H */
