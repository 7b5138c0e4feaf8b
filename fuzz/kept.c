/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept.c - runs a target on inputs, without libFuzzer: a folder's, in the order of their names, or
 * a file's. The program's own folder of kept inputs where none is named.
 */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#ifndef FUZZ_KEPT
#error "FUZZ_KEPT is the folder of the target's kept inputs"
#endif

static int count;

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;

	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
	    fseek(file, 0, SEEK_SET) != 0)
		return 1;
	data = malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
		return 1;
	fclose(file);
	printf("# %s\n", path);
	fflush(stdout);
	FUZZ_CHECK(LLVMFuzzerTestOneInput(data, (size_t)size) == 0);
	free(data);
	count++;
	return 0;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int run_folder(const char *folder)
{
	struct dirent **entries;
	int found = scandir(folder, &entries, visible, alphasort), status = found < 0;
	char path[4096];

	for (int i = 0; i < found; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		status |= run_file(path);
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
	return status;
}

int main(int argument_count, char **arguments)
{
	const char *path = argument_count > 1 ? arguments[1] : FUZZ_KEPT;
	struct stat about;
	int status = 1;

	if (stat(path, &about) == 0)
		status = S_ISDIR(about.st_mode) ? run_folder(path) : run_file(path);
	printf("%sok 1 - %d inputs of %s\n1..1\n", status || !count ? "not " : "", count, path);
	return status || !count;
}
