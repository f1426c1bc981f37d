/*
 * What google_metadata_is_here does, with the place of the file by which Google's machines are known.
 */
#ifndef AUTH_GOOGLE_METADATA_H
#define AUTH_GOOGLE_METADATA_H

#include "auth/google.h"

#define GOOGLE_DMI_PATH "/sys/class/dmi/id/product_name"

MUST_USE bool google_metadata_is_here_by(const struct google_options *options,
					 const struct world *w, const char *dmi_path, bool *ret,
					 struct err *err);

#endif
