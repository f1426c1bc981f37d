#include "http/tls_files.h"

#include "base/mem.h"
#include "base/stream.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* What cannot be read is left to the TLS handshake to complain about, which names the host. */
static void trust(struct tls_files *files, const char *path)
{
	struct err ignored = ERR_INIT;

	if (!file_read_all(path, &files->trusted, &ignored))
		err_clear(&ignored);
	buf_putc(&files->trusted, '\n');
}

/* A client certificate counts only with its key beside it. */
static void take_client_cert(struct tls_files *files, const char *path)
{
	CLEANUP(mem_freep)
	char *key = mem_printf("%.*skey", (int)(strlen(path) - strlen("cert")), path);

	if (files->cert || access(key, R_OK) != 0)
		return;
	files->cert = mem_strdup(path);
	files->key = TAKE(key);
}

void tls_files_read(struct tls_files *files, const char *dir, const char *authority)
{
	CLEANUP(mem_freep) char *host_dir = mem_printf("%s/%s", dir, authority);
	struct dirent **entries = NULL;
	int count;

	if (strchr(authority, '/'))
		return;
	count = scandir(host_dir, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		CLEANUP(mem_freep) char *path = mem_printf("%s/%s", host_dir, entries[i]->d_name);

		if (has_suffix(path, ".crt"))
			trust(files, path);
		else if (has_suffix(path, ".cert"))
			take_client_cert(files, path);
		free(entries[i]);
	}
	free(entries);
}

void tls_files_clear(struct tls_files *files)
{
	buf_clear(&files->trusted);
	free(files->cert);
	free(files->key);
	files->cert = files->key = NULL;
}

static int is_hashed_name(const struct dirent *entry)
{
	return strlen(entry->d_name) == 10 && strspn(entry->d_name, "0123456789abcdef") == 8 &&
	       strcmp(entry->d_name + 8, ".0") == 0;
}

bool tls_dir_is_hashed(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry = NULL;

	if (!d)
		return false;
	do
		entry = readdir(d);
	while (entry && !is_hashed_name(entry));
	closedir(d);
	return entry != NULL;
}
