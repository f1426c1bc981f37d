/*
 * The examinations behind `landed doctor`, one file a subject (doctor_SUBJECT.c). Each looks at the machine or the
 * registry within a time of its own and changes nothing there; what it thinks of what it saw is said by judges, which
 * look at nothing themselves (doctor_judge.h).
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/common.h"
#include "cli/finding.h"

/* What is examined for, when no REF was named. */
#define DOCTOR_HOST "us-docker.pkg.dev"

/* What was learnt on the way, by the checks that run one after another. */
struct doctor_knowledge {
	bool reached;	 /* the registry answers */
	bool credential; /* there is one that was not refused, or none is needed */
};

struct doctor {
	struct connect_options connect; /* borrows from the settings */
	const struct reference *ref;	/* NULL: none was named */
	const char *host;		/* of REF, or DOCTOR_HOST */
	struct doctor_knowledge known;
};

typedef void doctor_check(struct doctor *d, const struct world *w, struct findings *f);

/* Of this machine; they run side by side. */
doctor_check doctor_docker_files, doctor_docker_cli, doctor_engine, doctor_kubeconfig,
	doctor_gcloud, doctor_metadata;

/* On the way to the registry; one after another. */
doctor_check doctor_dns, doctor_registry, doctor_credential, doctor_upload, doctor_tag;

/* Whether a push from here would ask docker's files. */
bool doctor_asks_docker_files(const struct doctor *d);

/* Where PATH has PROGRAM; NULL when it has not. The caller frees. */
char *doctor_find_program(const char *program);

/* W with a deadline of at most MS from now. */
struct world doctor_within(const struct world *w, int64_t ms);

#endif
