/*
 * What stays when the command is over: an in-toto statement that says what was seen when, and the metadata file
 * that buildx users read. A receipt is evidence, not provenance: it does not say how an image was built.
 */
#ifndef REPORT_RECEIPT_H
#define REPORT_RECEIPT_H

#include "report/outcome.h"

/*
 * in-toto Statement v1 (https://in-toto.io/Statement/v1) with the predicate SVR v0.2
 * (https://in-toto.io/attestation/svr/v0.2). One subject for each outcome; a property is there only when it holds
 * for all of them, so a run that failed has none. What failed and how stands in the extension RECEIPT_DETAILS of
 * the predicate, as objects of result_json. The caller frees.
 */
char *receipt_text(const struct outcome *outcomes, size_t count, int64_t wall_ms);

#define RECEIPT_VERIFIER "urn:landed:verifier:v1"
#define RECEIPT_DETAILS "urn:landed:details:v1"

/*
 * The keys of buildx's --metadata-file (containerimage.digest, containerimage.descriptor,
 * containerimage.config.digest, image.name), and landed.results. For outcomes that have all landed, with the
 * same image. The caller frees.
 */
char *metadata_text(const struct outcome *outcomes, size_t count);

#endif
