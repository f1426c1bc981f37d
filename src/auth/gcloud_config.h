/*
 * gcloud's configuration: the INI text of one, parsed from bytes, and the lookup of a property where gcloud looks for
 * it (CLOUDSDK_SECTION_NAME, then the active configuration). Knows no token.
 */
#ifndef AUTH_GCLOUD_CONFIG_H
#define AUTH_GCLOUD_CONFIG_H

#include "base/err.h"

#define GCLOUD_CONFIG_CEILING ((size_t)256 * 1024)

/*
 * The value of KEY in [SECTION], the last one if there are several; *ret is NULL when it is not there or empty, else the
 * caller's. Fails with ERR_NO_CREDENTIAL for what is no INI file.
 */
MUST_USE bool gcloud_ini_get(const char *bytes, size_t len, const char *section, const char *key,
			     char **ret, struct err *err);

/* CLOUDSDK_CONFIG or ~/.config/gcloud; NULL where there is no home. The caller frees. */
char *gcloud_config_dir(void);

struct gcloud_config {
	char *dir; /* NULL: none */
	char *ini; /* of the active configuration; NULL: there is none */
	size_t ini_len;
	char *path; /* of that file */
};

/* What is not there is no error; a configuration that was chosen and is not there is. ERR_NO_CREDENTIAL. */
MUST_USE bool gcloud_config_read(struct gcloud_config *ret, struct err *err);
void gcloud_config_clear(struct gcloud_config *c);

/* *ret is NULL when nobody has set it. The caller frees. */
MUST_USE bool gcloud_property(const struct gcloud_config *c, const char *section, const char *key,
			      char **ret, struct err *err);

#endif
