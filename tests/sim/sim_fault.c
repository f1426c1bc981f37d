#include "sim/sim_fault.h"

const char *const sim_what_names[SIM_WHATS] = {
	[SIM_PING] = "ping",
	[SIM_TOKEN] = "token",
	[SIM_BLOB_HEAD] = "blob HEAD",
	[SIM_BLOB_GET] = "blob GET",
	[SIM_STORAGE_GET] = "storage GET",
	[SIM_MOUNT] = "mount",
	[SIM_UPLOAD_POST] = "upload POST",
	[SIM_UPLOAD_PATCH] = "upload PATCH",
	[SIM_UPLOAD_PUT] = "upload PUT",
	[SIM_UPLOAD_DELETE] = "upload DELETE",
	[SIM_MANIFEST_GET] = "manifest GET",
	[SIM_MANIFEST_PUT] = "manifest PUT",
	[SIM_OTHER] = "other",
};

#define BIT(what) (1u << (what))
#define ANYWHERE (BIT(SIM_WHATS) - 1)
#define BODIES (BIT(SIM_UPLOAD_PATCH) | BIT(SIM_UPLOAD_PUT) | BIT(SIM_MANIFEST_PUT))
#define KEEPING (BIT(SIM_UPLOAD_PUT) | BIT(SIM_MANIFEST_PUT))
#define CHANGING \
	(BODIES | BIT(SIM_UPLOAD_POST) | BIT(SIM_MOUNT) | BIT(SIM_UPLOAD_DELETE) | BIT(SIM_TOKEN))
#define REFUSED (ANYWHERE & ~BIT(SIM_PING)) /* storage refuses a link that has died */
#define AUTHORIZED (REFUSED & ~BIT(SIM_STORAGE_GET))
#define WITH_BODY \
	(BIT(SIM_TOKEN) | BIT(SIM_BLOB_GET) | BIT(SIM_STORAGE_GET) | BIT(SIM_MANIFEST_GET))
#define PAGED (ANYWHERE & ~(BIT(SIM_BLOB_HEAD) | BIT(SIM_UPLOAD_DELETE)))

const struct sim_fault_looks sim_fault_looks[SIM_FAULTS] = {
	[FAULT_NONE] = { "none", 0, 0, NULL, NULL, false },
	[FAULT_CONNECT] = { "connect", ANYWHERE, 0, NULL, NULL, false },
	[FAULT_RESET_BEFORE] = { "reset-before", ANYWHERE, 0, NULL, NULL, false },
	[FAULT_RESET_MIDWAY] = { "reset-midway", BODIES, 0, NULL, NULL, false },
	[FAULT_RESET_AFTER] = { "reset-after", CHANGING, 0, NULL, NULL, false },
	[FAULT_STALL_BEFORE] = { "stall-before", ANYWHERE, 0, NULL, NULL, false },
	[FAULT_STALL_AFTER] = { "stall-after", CHANGING, 0, NULL, NULL, false },
	[FAULT_401_CHALLENGE] = { "401-challenge", REFUSED, 401, "UNAUTHORIZED",
				  "authentication required", true },
	[FAULT_401_BARE] = { "401-bare", REFUSED, 401, NULL, NULL, true },
	[FAULT_403_UNAUTHENTICATED] = { "403-unauthenticated", REFUSED, 403, "DENIED",
					"Unauthenticated request. Unauthenticated requests do not have "
					"permission \\\"artifactregistry.repositories.uploadArtifacts\\\" on "
					"resource (or it may not exist)",
					true },
	[FAULT_403_DENIED] = { "403-denied", REFUSED, 403, "DENIED", "requested access is denied",
			       true },
	[FAULT_400_UNAUTHORIZED] = { "400-unauthorized", REFUSED & ~BIT(SIM_TOKEN), 400,
				     "UNAUTHORIZED", "the token has expired", true },
	[FAULT_404] = { "404", ANYWHERE, 404, "NAME_UNKNOWN",
			"repository name not known to registry", true },
	[FAULT_408] = { "408", ANYWHERE, 408, NULL, NULL, false },
	[FAULT_429] = { "429", ANYWHERE, 429, "TOOMANYREQUESTS", "slow down", false },
	[FAULT_500] = { "500", ANYWHERE, 500, "UNKNOWN", "unknown error", false },
	[FAULT_502] = { "502", ANYWHERE, 502, NULL, NULL, false },
	[FAULT_503] = { "503", ANYWHERE, 503, NULL, NULL, false },
	[FAULT_504] = { "504", ANYWHERE, 504, NULL, NULL, false },
	[FAULT_500_AFTER] = { "500-after", CHANGING & ~BIT(SIM_TOKEN), 0, NULL, NULL, false },
	[FAULT_PAGE] = { "page", PAGED, 200, NULL, NULL, true },
	[FAULT_TRUNCATED] = { "truncated", WITH_BODY, 0, NULL, NULL, false },
	[FAULT_DROPPED] = { "dropped", KEEPING | BIT(SIM_MOUNT), 0, NULL, NULL, true },
	[FAULT_DAMAGED] = { "damaged", BIT(SIM_UPLOAD_PUT), 0, NULL, NULL, true },
	[FAULT_LATE] = { "late", KEEPING, 0, NULL, NULL, true },
	[FAULT_HEAD_PRESENT] = { "head-present", BIT(SIM_BLOB_HEAD), 0, NULL, NULL, true },
	[FAULT_HEAD_ABSENT] = { "head-absent", BIT(SIM_BLOB_HEAD), 0, NULL, NULL, true },
	[FAULT_HEAD_LENGTH] = { "head-length", BIT(SIM_BLOB_HEAD), 0, NULL, NULL, false },
	[FAULT_TOKEN_DIES] = { "token-dies", AUTHORIZED & ~BIT(SIM_TOKEN), 0, NULL, NULL, true },
};

bool sim_fault_fits(enum sim_fault fault, enum sim_what what, bool for_proof)
{
	if (for_proof && fault == FAULT_HEAD_PRESENT)
		return false;
	return sim_fault_looks[fault].whats & BIT(what);
}

/* True the first time. */
static bool is_first(struct sim_plan *p, uint64_t thing)
{
	for (size_t i = 0; i < p->seen_count; i++)
		if (p->seen[i] == thing)
			return false;
	if (p->seen_count == SIM_SEEN_MAX)
		return false;
	p->seen[p->seen_count++] = thing;
	return true;
}

static enum sim_fault planned(const struct sim_plan *p, size_t number)
{
	for (size_t i = 0; i < p->planned_count; i++)
		if (p->planned[i].request == number)
			return p->planned[i].fault;
	return FAULT_NONE;
}

static enum sim_fault by_outage(const struct sim_plan *p, int64_t now_ms)
{
	for (size_t i = 0; i < p->outage_count; i++)
		if (now_ms >= p->outages[i].from_ms && now_ms < p->outages[i].to_ms)
			return p->outages[i].fault;
	return FAULT_NONE;
}

static enum sim_fault by_chance(struct sim_plan *p, int64_t now_ms, enum sim_what what,
				uint64_t thing, bool for_proof)
{
	unsigned int drawn = (unsigned int)sim_rng_below(&p->rng, 1000);

	if (now_ms >= p->until_ms)
		return FAULT_NONE;
	for (int f = FAULT_NONE + 1; f < SIM_FAULTS; f++) {
		if (drawn >= p->per_mille[f]) {
			drawn -= p->per_mille[f];
			continue;
		}
		if (!sim_fault_fits((enum sim_fault)f, what, for_proof))
			return FAULT_NONE;
		if (p->verdicts_once && sim_fault_looks[f].is_verdict && !is_first(p, thing))
			return FAULT_NONE;
		return (enum sim_fault)f;
	}
	return FAULT_NONE;
}

enum sim_fault sim_plan_next(struct sim_plan *p, size_t number, int64_t now_ms, enum sim_what what,
			     uint64_t thing, bool for_proof)
{
	enum sim_fault fault = planned(p, number);

	if (fault == FAULT_NONE)
		fault = by_outage(p, now_ms);
	if (fault == FAULT_NONE)
		fault = by_chance(p, now_ms, what, thing, for_proof);
	if (!sim_fault_fits(fault, what, for_proof) ||
	    (fault == FAULT_DAMAGED && !p->bytes_are_read))
		fault = FAULT_NONE;
	p->fired[fault]++;
	return fault;
}
