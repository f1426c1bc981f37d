"""landed exec: pushers that are not ours, with our credentials and our proof."""
import json
import os
import shlex
import signal
import subprocess
import sys

import images
import pytest
from conftest import SECRET, USER

OTHER = "sha256:" + "0" * 64
DROPPED = {"at": "put-tag", "action": {"do": "lie"}}
REFUSED = {"at": "put-tag", "times": 0, "action": {"do": "refuse", "shape": "unauthenticated"}}


@pytest.fixture
def run(landed):
    """run(options..., "--", words...): exec with the front's usual credential."""
    def start(*words, settle="0", **how):
        return landed("exec", "--settle", settle, *landed.credential(), *words, **how)
    return start


def copy_words(image, ref):
    return ("skopeo", "copy", "--dest-tls-verify=false", image.source(), f"docker://{ref}")


def leftovers(landed):
    return list(landed.home.glob("landed-exec-*"))


def assert_disproven(done, *says):
    assert done.code == 13, str(done)
    for word in says:
        assert word in done.err, str(done)
    assert SECRET not in done.out + done.err


# -- a command that is no pusher


def test_own_failure_is_unchanged(run, landed):
    done = run("--", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (done.code, done.out, done.err) == (42, "out\n", "err\n")
    assert leftovers(landed) == []


@pytest.mark.parametrize("number", (signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE))
def test_ended_by_a_signal(run, number):
    assert run("--", "sh", "-c", f"kill -{int(number)} $$").code == 128 + number


def test_words_that_cannot_run(run, tmp_path):
    (tmp_path / "text").write_text("no program")
    for words, code in ((("nothing-of-that-name",), 127), ((tmp_path / "nowhere",), 127),
                        ((tmp_path / "text",), 126), ((tmp_path,), 126)):
        done = run("--", *words)
        assert (done.code, done.out) == (code, ""), str(done)
        assert done.err.startswith("landed: cannot run "), str(done)


@pytest.mark.parametrize("words", ((), ("--no-such-option", "true"), ("--expect", "latest", "true"),
                                   ("--ref", "A//B", "true"), ("--retry-push", "-1", "true"),
                                   ("--depth", "manifest", "true")))
def test_bad_words(landed, words):
    done = landed("exec", *words)
    assert (done.code, done.out) == (125, ""), str(done)


def test_no_directory_for_what_is_private(landed):
    done = landed("exec", "--", "true", env={"TMPDIR": "/nonexistent"})
    assert done.code == 125, str(done)


def test_nothing_claimed(run):
    assert_disproven(run("--", "true"), "nothing says what it has pushed", "--ref")


def test_options_of_the_command_are_its_own(run):
    assert run("sh", "-c", "exit 7", "--help").code == 7


# -- what it is given


def test_private_configuration(run, landed):
    landed.write_docker_config({"auths": {"other.example": {"auth": "dTpw"}}, "credsStore": "store",
                                "credHelpers": {"gcr.io": "gcloud"}, "currentContext": "far",
                                "HttpHeaders": {"X": "y"}})
    (landed.home / "docker/contexts").mkdir()
    (landed.home / "docker/cli-plugins").mkdir()
    script = ('cd / && cat "$DOCKER_CONFIG/config.json" && stat -c %a "$DOCKER_CONFIG" &&'
              ' test -d "$DOCKER_CONFIG/contexts/." && test -d "$DOCKER_CONFIG/cli-plugins/." &&'
              ' stat -c %a "$DOCKER_CONFIG/config.json" "$REGISTRY_AUTH_FILE"; env; exit 3')
    done = run("--registry", "r.example:5000", "--", "sh", "-c", script)
    document, end = json.JSONDecoder().raw_decode(done.out)
    assert document.pop("credHelpers") == {"gcr.io": "gcloud", "r.example:5000": "landed-exec"}
    assert document == {"auths": {"other.example": {"auth": "dTpw"}}, "credsStore": "store",
                        "currentContext": "far", "HttpHeaders": {"X": "y"}}
    assert done.out[end:].split()[:3] == ["700", "600", "600"]
    assert SECRET not in done.out
    assert done.code == 3
    assert leftovers(landed) == []
    assert (landed.home / "docker/contexts").is_dir()


def test_configuration_that_cannot_be_read(run, landed):
    (landed.home / "docker/config.json").write_text("{")
    done = run("--", "true")
    assert done.code == 125 and "config.json" in done.err, str(done)
    assert leftovers(landed) == []


def ask(host):
    return f"printf {host} | docker-credential-landed-exec get"


def test_helper_reads_anew(run, landed):
    path = landed.home / "credential"
    again = f"printf second >{shlex.quote(str(path))}; {ask('r.example')}"
    script = f"cd /; {ask('r.example')}; {again}"
    done = run("--registry", "r.example", "--", "sh", "-c", script + "; exit 1")
    secrets = [json.loads(line) for line in done.out.splitlines()]
    assert [s["Secret"] for s in secrets] == [SECRET, "second"]
    assert {s["Username"] for s in secrets} == {USER}


def test_helper_is_for_the_named_registries_only(run):
    done = run("--registry", "r.example", "--", "sh", "-c", ask("docker.io"))
    assert (done.code, done.out) == (1, "credentials not found in native keychain\n")


def test_helper_asks_the_users_own_configuration(landed):
    landed.write_docker_config({"auths": {"r.example": {"auth": "dTpw"}}})
    script = ask("r.example") + "; exit 1"
    done = landed("exec", "--registry", "r.example", "--", "sh", "-c", script)
    assert json.loads(done.out) == {"ServerURL": "r.example", "Username": "u", "Secret": "p"}


def test_login_of_the_command_counts(landed):
    script = ("""echo '{"ServerURL":"r.example","Username":"me","Secret":"s"}' |"""
              f" docker-credential-landed-exec store; {ask('https://r.example/v1/')}; exit 1")
    done = landed("exec", "--registry", "r.example", "--", "sh", "-c", script)
    assert json.loads(done.out)["Username"] == "me"
    assert leftovers(landed) == []


# -- output and signals


def test_output_comes_at_once(landed):
    running = landed.start("exec", "--", "sh", "-c", "echo first; read line; exit 5",
                           stdin=-1)
    assert running.process.stdout.readline() == b"first\n"
    running.process.stdin.write(b"go\n")
    running.process.stdin.flush()
    assert running.wait().code == 5


def test_much_output(run):
    script = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 8192); sys.exit(1)"
    done = run("--", sys.executable, "-c", f"{script}")
    assert done.code == 1
    assert len(done.out.encode(errors="replace")) > 2_000_000


def test_who_stays_in_the_background_is_not_waited_for(run):
    done = run("--", "sh", "-c", "sleep 50 2>/dev/null & echo done; exit 4", timeout=20)
    assert (done.code, done.out) == (4, "done\n")


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1))
def test_signal_is_passed_on(landed, number):
    script = f"trap 'echo got; exit 9' {int(number)}; echo ready; while :; do sleep 0.05; done"
    running = landed.start("exec", "--", "sh", "-c", script)
    assert running.process.stdout.readline() == b"ready\n"
    running.signal(number)
    done = running.wait()
    assert (done.code, done.out) == (9, "got\n"), str(done)
    assert leftovers(landed) == []


def test_signal_that_the_command_dies_of(landed):
    running = landed.start("exec", "--", "sh", "-c", "echo ready; exec sleep 50")
    assert running.process.stdout.readline() == b"ready\n"
    running.signal(signal.SIGTERM)
    assert running.wait().code == 143
    assert leftovers(landed) == []


def test_terminal_stays_a_terminal(landed):
    main, side = os.openpty()
    process = subprocess.Popen(
        [landed.binary, "exec", "--", "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && exit 6"],
        env=landed.env, stdin=side, stdout=side, stderr=side, start_new_session=True)
    os.close(side)
    assert process.wait(30) == 6
    os.close(main)


# -- skopeo


def test_skopeo(run, front, registry, repo, image, landed):
    done = run("--", *copy_words(image, f"{front.address}/{repo}:1"))
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == []
    assert leftovers(landed) == []


def test_skopeo_and_a_manifest_that_was_dropped(run, make_front, repo, image):
    front = make_front(rules=[DROPPED])
    assert_disproven(run("--", *copy_words(image, f"{front.address}/{repo}:1")),
                     "'skopeo' ended with 0", "is not proven")


def test_dropped_over_an_older_image(run, make_front, registry, repo, image, tmp_path):
    front = make_front()
    old = images.single(tmp_path / "old", size=1000, seed=5)
    assert run("--", *copy_words(old, f"{front.address}/{repo}:1")).code == 0
    front.plan.add(**DROPPED)
    done = run("--", *copy_words(image, f"{front.address}/{repo}:1"))
    assert_disproven(done, "another image")
    assert registry.storage.tag(repo, "1") != image.digest


def test_script_that_hides_a_failure(run, make_front, repo, image):
    front = make_front(rules=[REFUSED])
    line = shlex.join(map(str, copy_words(image, f"{front.address}/{repo}:1")))
    assert_disproven(run("--", "sh", "-c", line + " || true"), "is not proven")


def test_failure_of_the_pusher(run, make_front, repo, image):
    front = make_front(rules=[REFUSED])
    done = run("--", *copy_words(image, f"{front.address}/{repo}:1"))
    assert done.code == 1, str(done)
    assert "landed:" not in done.err


def test_retry_heals(run, make_front, registry, repo, image):
    front = make_front(rules=[REFUSED | {"times": 1}])
    done = run("--retry-push", "1", "--", *copy_words(image, f"{front.address}/{repo}:1"))
    assert done.code == 0, str(done)
    assert "runs again (1 of 1)" in done.err
    assert registry.problems(repo, "1") == []


def test_retry_heals_what_was_dropped(run, make_front, registry, repo, image):
    front = make_front(rules=[DROPPED])
    done = run("--retry-push", "1", "--", *copy_words(image, f"{front.address}/{repo}:1"))
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == []


def test_retry_gives_up(run, make_front, repo, image):
    front = make_front(rules=[REFUSED])
    done = run("--retry-push", "1", "--", *copy_words(image, f"{front.address}/{repo}:1"))
    assert done.code == 1, str(done)
    assert done.err.count("runs again") == 1


@pytest.mark.parametrize("digest, code", ((None, 0), (OTHER, 13)))
def test_expect(run, front, repo, image, digest, code):
    done = run("--expect", digest or image.digest, "--",
               *copy_words(image, f"{front.address}/{repo}:1"))
    assert done.code == code, str(done)


def test_digest_file(run, front, repo, image, tmp_path):
    words = copy_words(image, f"{front.address}/{repo}:1")
    done = run("--", *words[:2], "--digestfile", tmp_path / "digest", *words[2:])
    assert done.code == 0, str(done)


def test_file_of_an_earlier_run_says_nothing(run, front, repo, image, tmp_path):
    (tmp_path / "metadata").write_text(json.dumps(
        {"containerimage.digest": image.digest, "image.name": f"{front.address}/{repo}:1"}))
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "docker").chmod(0o755)
    done = run("--", tmp_path / "docker", "buildx", "build", "--push", "-t",
               f"{front.address}/{repo}:1", "--metadata-file", tmp_path / "metadata", ".")
    assert_disproven(done)


def test_existing_tag_proves_nothing(run, front, repo, image):
    ref = f"{front.address}/{repo}:1"
    assert run("--", *copy_words(image, ref)).code == 0
    assert_disproven(run("--ref", ref, "--", "true"), "no digest was claimed")


def test_registry_that_cannot_be_asked(run, repo):
    done = run("--ref", f"127.0.0.1:1/{repo}:1", "--expect", OTHER, "--timeout", "3s", "--", "true")
    assert done.code == 3, str(done)


# -- docker


@pytest.fixture
def docker_run(run, landed, dockerd):
    landed.env["DOCKER_HOST"] = dockerd.url
    return run


numbers = iter(range(1, 10_000))


@pytest.fixture
def made(dockerd):
    """made(REF): an image of the engine's under that name."""
    names = []

    def make(name):
        names.append(name)
        return dockerd.make(name, images.layer_tar(200_000, 1000 + next(numbers)))

    yield make
    for name in names:
        dockerd.docker("image", "rm", "-f", name, check=False)


def test_docker_push(docker_run, front, registry, repo, made):
    ref = f"{front.address}/{repo}:1"
    made(ref)
    done = docker_run("--", "docker", "push", ref)
    assert done.code == 0, str(done)
    assert f"digest: {registry.storage.tag(repo, '1')}" in done.out
    assert registry.problems(repo, "1") == []


def test_docker_push_quietly(docker_run, front, registry, repo, made):
    """No digest is claimed: the engine's image ID is what ties them."""
    ref = f"{front.address}/{repo}:1"
    made(ref)
    done = docker_run("--", "docker", "push", "-q", ref)
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == []


def test_docker_push_that_was_dropped(docker_run, make_front, repo, made):
    front = make_front(rules=[DROPPED])
    ref = f"{front.address}/{repo}:1"
    made(ref)
    assert_disproven(docker_run("--", "docker", "push", ref), "is not proven")


def test_docker_push_quietly_over_an_older_image(docker_run, front, repo, made):
    ref = f"{front.address}/{repo}:1"
    made(ref)
    assert docker_run("--", "docker", "push", "-q", ref).code == 0
    made(ref)
    front.plan.add(**DROPPED)
    assert_disproven(docker_run("--", "docker", "push", "-q", ref), "another image")


DIES_MIDWAY = {"at": "commit", "action": {"do": "pass", "kill": "tokens"}}


def test_docker_push_with_a_token_that_dies_midway(docker_run, make_front, registry, repo, made):
    """The manifest meets a dead token: docker says 1, and what hides that is found."""
    ref = f"{make_front(refusal='unauthenticated', rules=[DIES_MIDWAY]).address}/{repo}:1"
    made(ref)
    assert docker_run("--", "docker", "push", ref).code == 1

    ref = f"{make_front(refusal='unauthenticated', rules=[DIES_MIDWAY]).address}/{repo}2:1"
    made(ref)
    assert_disproven(docker_run("--", "sh", "-c", f"docker push {ref} || true"), "is not proven")

    ref = f"{make_front(refusal='unauthenticated', rules=[DIES_MIDWAY]).address}/{repo}3:1"
    made(ref)
    done = docker_run("--retry-push", "1", "--", "docker", "push", ref)
    assert done.code == 0, str(done)
    assert registry.problems(f"{repo}3", "1") == []


def test_second_of_two_pushes_is_refused(docker_run, make_front, repo, made, tmp_path):
    """The first one's digest is no proof of the second; the script's own words name neither."""
    front = make_front(rules=[REFUSED | {"nth": 2}])
    for name in ("one", "two"):
        made(f"{front.address}/{repo}/{name}:1")
    script = tmp_path / "push"
    script.write_text("#!/bin/sh\n" + "".join(
        f"docker push {front.address}/{repo}/{name}:1 || true\n" for name in ("one", "two")))
    script.chmod(0o755)
    done = docker_run("--registry", front.address, "--", script)
    assert_disproven(done, f"{repo}/two", "never said its digest")


def test_docker_retry_heals(docker_run, make_front, registry, repo, made):
    front = make_front(rules=[REFUSED | {"times": 1}])
    ref = f"{front.address}/{repo}:1"
    made(ref)
    done = docker_run("--retry-push", "1", "--", "docker", "push", ref)
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == []


# -- docker-py


PUSH_PY = "import docker, sys; docker.from_env().images.push(sys.argv[1])"
PYTHON = "/usr/bin/python3"


@pytest.fixture
def docker_py(docker_run):
    if subprocess.run([PYTHON, "-c", "import docker"], capture_output=True).returncode:
        pytest.skip("optional tool python3-docker is not installed")
    return docker_run


def test_docker_py(docker_py, front, registry, repo, made):
    ref = f"{front.address}/{repo}:1"
    made(ref)
    done = docker_py("--", PYTHON, "-c", PUSH_PY, ref)
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == []


def test_docker_py_does_not_notice(docker_py, make_front, repo, made):
    front = make_front(rules=[REFUSED])
    ref = f"{front.address}/{repo}:1"
    made(ref)
    assert_disproven(docker_py("--", PYTHON, "-c", PUSH_PY, ref), "is not proven")
