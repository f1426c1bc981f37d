/* Application Default Credentials, in the order of AIP-4110. */
#include "auth/google.h"

#include "auth/gcloud_config.h"
#include "base/mem.h"

#include <unistd.h>

/* Python's and Java's rule for the directory; Go's libraries do not look at CLOUDSDK_CONFIG. */
static bool of_well_known_file(const struct google_options *options, struct google_minter **ret,
			       struct err *err)
{
	CLEANUP(mem_freep) char *dir = gcloud_config_dir();
	CLEANUP(mem_freep) char *path = NULL;

	if (!dir)
		return true;
	path = mem_printf("%s/application_default_credentials.json", dir);
	return access(path, F_OK) != 0 || google_minter_from_file(path, NULL, options, ret, err);
}

bool google_default_new(const struct google_options *options, const struct world *w,
			struct google_minter **ret, struct err *err)
{
	const char *named = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	bool is_here;

	*ret = NULL;
	if (named && *named)
		return google_minter_from_file(named, "named by GOOGLE_APPLICATION_CREDENTIALS",
					       options, ret, err);
	if (!of_well_known_file(options, ret, err))
		return false;
	if (*ret)
		return true;
	if (!google_metadata_is_here(options, w, &is_here, err))
		return false;
	if (is_here)
		*ret = google_metadata_new(options);
	return true;
}
