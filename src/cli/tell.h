/*
 * An error as people read it: what happened, the evidence, the cause, what to do.
 *
 *	landed: pushing to 'r.example/app:1': refused although the credential was fresh
 *	  evidence: 403 denied: Unauthenticated request
 *	  cause: ...
 *	  try: ...
 */
#ifndef CLI_TELL_H
#define CLI_TELL_H

#include "base/err.h"

#include <stdio.h>

void tell_error(FILE *out, bool colour, const struct err *err);

#endif
