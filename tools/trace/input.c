/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.c - files in and out, with or without xz. Whether a file is compressed is
 * seen from its first bytes, not from its name.
 */
#include "trace.h"

#include <errno.h>
#include <lzma.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A recording larger than this is damage, or would not be replayed in a lifetime. */
#define INPUT_BYTES_MAX ((size_t)1 << 31)

bool trace_bad(struct trace_fault *fault, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	return false;
}

void *trace_alloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory) {
		fputs("trace: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

void trace_bytes_add(struct trace_bytes *bytes, const void *data, size_t size)
{
	if (size > bytes->room - bytes->size) {
		bytes->room = (bytes->room + size) * 2;
		bytes->data = realloc(bytes->data, bytes->room);
		if (!bytes->data) {
			fputs("trace: out of memory\n", stderr);
			exit(1);
		}
	}
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

static bool file_read(const char *path, struct trace_bytes *bytes, struct trace_fault *fault)
{
	FILE *file = fopen(path, "rb");
	uint8_t buffer[65536];
	size_t got;
	bool bad;

	if (!file)
		return trace_bad(fault, "cannot be opened: %s", strerror(errno));
	while ((got = fread(buffer, 1, sizeof(buffer), file)) > 0 && bytes->size < INPUT_BYTES_MAX)
		trace_bytes_add(bytes, buffer, got);
	bad = ferror(file);
	fclose(file);
	if (bad)
		return trace_bad(fault, "cannot be read at byte %zu", bytes->size);
	return true;
}

static const char *xz_reason(lzma_ret ret)
{
	switch (ret) {
	case LZMA_FORMAT_ERROR:
		return "not the xz format";
	case LZMA_OPTIONS_ERROR:
		return "xz options that are not supported";
	case LZMA_BUF_ERROR:
		return "the xz data ends too early";
	case LZMA_MEM_ERROR:
		return "out of memory";
	default:
		return "damaged xz data";
	}
}

/* Run the coder over all of `in` into `out`; *used is where it stopped. */
static lzma_ret xz_run(lzma_stream *stream, const struct trace_bytes *in, struct trace_bytes *out)
{
	uint8_t buffer[65536];
	lzma_ret ret = LZMA_OK;

	stream->next_in = in->data;
	stream->avail_in = in->size;
	while (ret == LZMA_OK && out->size < INPUT_BYTES_MAX) {
		stream->next_out = buffer;
		stream->avail_out = sizeof(buffer);
		ret = lzma_code(stream, LZMA_FINISH);
		trace_bytes_add(out, buffer, sizeof(buffer) - stream->avail_out);
	}
	return ret;
}

static bool xz_decode(const struct trace_bytes *in, struct trace_bytes *out,
		      struct trace_fault *fault)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret ret = lzma_stream_decoder(&stream, UINT64_MAX, LZMA_CONCATENATED);
	uint64_t used;

	if (ret == LZMA_OK)
		ret = xz_run(&stream, in, out);
	used = stream.total_in;
	lzma_end(&stream);
	if (ret != LZMA_STREAM_END)
		return trace_bad(fault, "%s at byte %llu of the compressed file",
				 ret == LZMA_OK ? "more data than a recording can have"
						: xz_reason(ret),
				 (unsigned long long)used);
	return true;
}

bool trace_input(const char *path, struct trace_bytes *bytes, struct trace_fault *fault)
{
	static const uint8_t xz_magic[6] = {0xfd, '7', 'z', 'X', 'Z', 0};
	struct trace_bytes raw = {0};
	bool good;

	*bytes = (struct trace_bytes){0};
	if (!file_read(path, &raw, fault)) {
		free(raw.data);
		return false;
	}
	if (raw.size < sizeof(xz_magic) || memcmp(raw.data, xz_magic, sizeof(xz_magic)) != 0) {
		*bytes = raw;
		return true;
	}
	good = xz_decode(&raw, bytes, fault);
	free(raw.data);
	if (!good)
		free(bytes->data);
	return good;
}

bool trace_output(const char *path, const struct trace_bytes *bytes, struct trace_fault *fault)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	struct trace_bytes out = {0};
	lzma_ret ret = lzma_easy_encoder(&stream, 6, LZMA_CHECK_CRC64);
	FILE *file;
	bool good;

	if (ret == LZMA_OK)
		ret = xz_run(&stream, bytes, &out);
	lzma_end(&stream);
	file = ret == LZMA_STREAM_END ? fopen(path, "wb") : NULL;
	good = file && fwrite(out.data, 1, out.size, file) == out.size;
	if (file && fclose(file) != 0)
		good = false;
	free(out.data);
	return good || trace_bad(fault, "cannot be written: %s",
				 ret == LZMA_STREAM_END ? strerror(errno) : xz_reason(ret));
}
