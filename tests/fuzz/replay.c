/* SPDX-License-Identifier: MIT */
/*
 * In place of libFuzzer: gives each file of the directories named on the
 * command line to the fuzz target, so that what was once found stays fixed,
 * with any compiler. Prints TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 0, or -1 when the file could not be read. */
static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	size_t size;
	int result = -1;

	if (!file || !data)
		goto out;
	size = fread(data, 1, INPUT_MAX, file);
	if (ferror(file))
		goto out;
	/* Of its exact size, so that the sanitizer sees each step outside. */
	data = realloc(data, size ? size : 1);
	if (!data)
		goto out;
	LLVMFuzzerTestOneInput(data, size);
	result = 0;
out:
	free(data);
	if (file)
		fclose(file);
	return result;
}

/* How many files were replayed, or -1. */
static int replay_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	int replayed = 0;

	for (int i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_type != DT_DIR && replayed >= 0)
			replayed = replay_file(file) ? -1 : replayed + 1;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n < 0 ? -1 : replayed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		int n = replay_directory(argv[i]);

		failed += n < 0;
		printf("%s %d - %d inputs of %s\n", n < 0 ? "not ok" : "ok", i,
		       n, argv[i]);
	}
	printf("1..%d\n", argc - 1);
	return failed != 0;
}
