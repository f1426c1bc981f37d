/* What the doctor reads of others: docker's files, versions, scopes. The first byte chooses who reads the file. */
#include "cli/doctor_judge.h"

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_program(const char *program)
{
	return program[0] && program[1] != 'x';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(findings_clear) struct findings f = { .check = "fuzz" };
	CLEANUP(mem_freep) char *text = NULL;
	struct docker_judgement how = { .now_wall_ms = 1800000000000, .has_program = has_program };
	struct docker_file file = { .path = "/config.json" };

	if (!size)
		return 0;
	text = mem_strndup((const char *)data + 1, size - 1);
	how.host = data[0] & 1 ? "us-docker.pkg.dev" : NULL;
	how.is_asked = data[0] & 2;
	file.text = (const char *)data + 1;
	file.len = size - 1;
	file.age_ms = data[0] & 4 ? 7200000 : -1;
	file.docker = file.podman = data[0] & 8;
	file.landed = data[0] & 16;
	doctor_judge_docker_file(&f, &file, &how, NULL);
	doctor_judge_docker_version(&f, text);
	doctor_judge_scopes(&f, text);
	js_free(findings_json(&f));
	return 0;
}
