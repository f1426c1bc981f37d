/*
 * A fuzz target without its fuzzer: every file of the directories named is run through it once. So that each check sees
 * what the fuzzers have found, without a build of its own.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/stream.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#define INPUT_CEILING (1 * MIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay(const char *path)
{
	CLEANUP(buf_clear) struct buf input = BUF_INIT(INPUT_CEILING);
	struct err err = ERR_INIT;

	if (!file_read_all(path, &input, &err)) {
		fprintf(stderr, "%s\n", err.message);
		err_clear(&err);
		return false;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)buf_str(&input), input.len);
	return true;
}

static int replay_dir(const char *dir)
{
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, NULL, alphasort), replayed = 0;

	for (int i = 0; i < count; i++) {
		CLEANUP(mem_freep) char *path = mem_printf("%s/%s", dir, entries[i]->d_name);

		if (entries[i]->d_name[0] != '.')
			replayed += replay(path);
		free(entries[i]);
	}
	free(entries);
	return replayed;
}

int main(int argc, char **argv)
{
	int replayed = 0;

	for (int i = 1; i < argc; i++)
		replayed += replay_dir(argv[i]);
	printf("%d inputs\n", replayed);
	return replayed ? 0 : 1;
}
