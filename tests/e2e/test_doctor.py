"""What the doctor finds, on machines and before registries that have something wrong with them."""
import base64
import hashlib
import json
import os
import socket
import time
from email.utils import formatdate

import pytest

import images
from cases import EVER, rule
from conftest import SECRET, assert_landed
from googleauth.names import ACCOUNT

USAGE, REFUSED, DENIED, NO_CREDENTIAL, NETWORK, TIMEOUT = 2, 20, 21, 22, 30, 31
LABELS = {"check", "severity", "found", "evidence", "fix", "exit"}


class Findings(list):
    def of(self, check):
        return [f for f in self if f["check"] == check]

    def severity(self, check):
        order = ("ok", "note", "warning", "error")
        return max((f["severity"] for f in self.of(check)), key=order.index, default=None)

    def text(self, check):
        return "\n".join(" ".join(map(str, f.values())) for f in self.of(check))


def examine(landed, *args, code=0, env=None, cred=True):
    """The findings of `landed doctor`, which exits with CODE."""
    named = landed.credential() if cred is True else cred or ()
    done = landed("doctor", "-o", "json", *args, *named, env=env)
    assert done.code == code, str(done)
    assert SECRET not in done.out + done.err
    findings = Findings(json.loads(done.out))
    for f in findings:
        assert set(f) <= LABELS and f["found"], f
        assert ("exit" in f) == (f["severity"] == "error"), f
        assert "fix" in f or f["severity"] in ("ok", "note"), f
    assert code == next((f["exit"] for f in findings if "exit" in f), 0)
    return findings


def ref(front, repo, tag="v1"):
    return f"{front.address}/{repo}:{tag}"


def uploads(front):
    return [(e["method"], e["status"]) for e in front.record.entries if "/uploads" in e["path"]]


# -- the registry


def test_healthy(landed, front, registry, repo):
    found = examine(landed, ref(front, repo))
    assert found.severity("registry") in ("ok", "note")
    for check in ("dns", "credential", "upload", "tag"):
        assert found.severity(check) == "ok", found.text(check)
    assert "not there yet" in found.text("tag") and "cancelled" in found.text("upload")
    assert [method for method, _ in uploads(front)] == ["POST", "DELETE"]
    assert registry.storage.tag(repo, "v1") is None


def test_tag_is_there(landed, front, registry, repo, image):
    done = landed.push(f"oci:{image.path}", ref(front, repo))
    assert_landed(done, registry, repo, "v1", image.digest)
    assert image.digest in examine(landed, ref(front, repo)).text("tag")


SKEWS = {"hour-behind": (3600, "error", NO_CREDENTIAL), "hour-ahead": (-3600, "error", NO_CREDENTIAL),
         "two-minutes": (120, "warning", 0), "five-seconds": (5, "ok", 0)}


@pytest.mark.parametrize("id", SKEWS)
def test_clock(id, landed, make_front, repo):
    seconds, severity, code = SKEWS[id]
    date = formatdate(time.time() + seconds, usegmt=True)
    front = make_front(rules=[{**rule("ping", "headers", EVER, set={"Date": date}),
                               "authorised": "any"}], mode="none")
    found = examine(landed, ref(front, repo), code=code)
    assert found.severity("clock") == severity, found.text("clock")


def test_may_not_upload(landed, make_front, repo):
    front = make_front(grant=lambda user, repository, action: action == "pull")
    found = examine(landed, ref(front, repo), code=DENIED)
    assert found.severity("upload") == "error"
    assert found.severity("credential") == "ok"
    assert "DELETE" not in [method for method, _ in uploads(front)]


def test_wrong_password(landed, front, repo):
    found = examine(landed, ref(front, repo), cred=landed.credential("wrong"), code=REFUSED)
    assert found.severity("upload") == "error" and "not looked at" in found.text("tag")


def test_delete_is_not_taken(landed, make_front, repo):
    front = make_front(rules=[rule("cancel", "error", EVER, status=404, code="BLOB_UPLOAD_UNKNOWN",
                                   message="?")])
    assert "purge" in examine(landed, ref(front, repo)).text("upload")


def test_nobody_listens(landed, repo):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        found = examine(landed, f"127.0.0.1:{held.getsockname()[1]}/{repo}:v1", code=NETWORK)
    assert found.severity("registry") == "error"
    assert "not reached" in found.text("upload") and "not reached" in found.text("tag")
    assert found.severity("credential") == "ok"


def test_no_such_host(landed, repo):
    found = examine(landed, f"no-such-host.invalid/{repo}:v1", code=NETWORK)
    assert found.severity("dns") == "warning" and found.severity("registry") == "error"


def test_registry_hangs(landed, make_front, repo):
    """The others are told all the same."""
    front = make_front(rules=[{**rule("ping", "stall", EVER, seconds=40), "authorised": "any"}])
    done = landed("doctor", "-o", "json", ref(front, repo), "--stall-timeout", "1s", "--timeout",
                  "20s", *landed.credential())
    assert done.code in (NETWORK, TIMEOUT), str(done)
    found = Findings(json.loads(done.out))
    assert found.severity("registry") == "error"
    assert found.severity("credential") == "ok" and found.of("docker-config")


# -- docker's files


def auth(password, user="oauth2accesstoken"):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def jwt(seconds):
    def part(claims):
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{part({'alg': 'RS256'})}.{part({'exp': int(time.time()) + seconds})}.c2ln"


def test_anonymous(landed, front, repo):
    landed.write_docker_config({})
    found = examine(landed, ref(front, repo), cred=None, code=REFUSED)
    assert "no login" in found.text("docker-config")
    assert "nobody's" in found.text("credential")
    assert found.severity("upload") == "error"


def test_helper_is_missing(landed, front, repo):
    landed.write_docker_config({"credHelpers": {front.address: "not-here"}})
    found = examine(landed, ref(front, repo), cred=None, code=NO_CREDENTIAL)
    assert "docker-credential-not-here" in found.text("docker-config")
    assert found.severity("docker-config") == "error"
    # whoever names another credential does not care
    found = examine(landed, ref(front, repo))
    assert found.severity("docker-config") == "warning"


def test_helper_fails(landed, front, repo):
    landed.write_helper("docker-credential-broken", "#!/bin/sh\necho no refresh token\nexit 1\n")
    landed.write_docker_config({"credsStore": "broken"})
    found = examine(landed, ref(front, repo), cred=None, code=NO_CREDENTIAL)
    assert "no refresh token" in found.text("credential")
    assert "not looked at" in found.text("upload")


def test_stale_login(landed, front, repo):
    landed.write_docker_config({"auths": {front.address: auth(jwt(-7200))}})
    found = examine(landed, ref(front, repo), cred=None, code=NO_CREDENTIAL)
    assert "expired 2 h" in found.text("docker-config")


def test_stored_access_token(landed, front, repo):
    """It works today."""
    path = landed.write_docker_config({"auths": {front.address: auth(SECRET)}})
    os.utime(path, (time.time() - 7200,) * 2)
    found = examine(landed, ref(front, repo), cred=None)
    assert found.severity("docker-config") == "warning"
    assert "2 h" in found.text("docker-config")


def test_broken_file(landed, front, repo):
    landed.write_docker_config({}).write_text("{")
    found = examine(landed, ref(front, repo), cred=None, code=NO_CREDENTIAL)
    assert "cannot be read" in found.text("docker-config")


def test_podman_reads_another_file(landed, front, repo):
    landed.write_docker_config({"auths": {front.address: auth(SECRET, "docker")}})
    folder = landed.home / "run/containers"
    folder.mkdir(parents=True)
    (folder / "auth.json").write_text(json.dumps({"auths": {front.address: auth("x", "podman")}}))
    found = examine(landed, ref(front, repo))
    assert f"podman and skopeo '{folder / 'auth.json'}'" in found.text("docker-config")


def test_docker_auth_config(landed, front, repo):
    stale = json.dumps({"auths": {front.address: auth(jwt(-60))}})
    found = examine(landed, ref(front, repo), env={"DOCKER_AUTH_CONFIG": stale})
    assert "DOCKER_AUTH_CONFIG" in found.text("docker-config")
    assert found.severity("docker-config") == "warning"


def test_without_a_reference(landed):
    landed.write_docker_config({"credHelpers": {"europe-docker.pkg.dev": "not-here"}})
    found = examine(landed, cred=("--cred", "anon"))
    assert "europe-docker.pkg.dev" in found.text("docker-config")
    assert found.severity("docker-config") == "warning"
    assert not found.of("registry") and not found.of("upload")


# -- the machine

DOCKERS = {"28": ("echo 'Docker version 28.2.2, build e6534b4'", "warning", "hides"),
           "29": ("echo 'Docker version 29.1.0, build 1'", "ok", "29"),
           "fails": ("exit 3", "note", "exit code 3"),
           "hangs": ("exec sleep 60", "note", "docker")}


@pytest.mark.parametrize("id", DOCKERS)
def test_docker_cli(id, landed):
    script, severity, words = DOCKERS[id]
    landed.write_helper("docker", f"#!/bin/sh\n{script}\n")
    found = examine(landed)
    assert found.severity("docker-cli") == severity, found.text("docker-cli")
    assert words in found.text("docker-cli")
    assert found.of("kubeconfig") and found.of("credential")


def test_engine_listens(landed, tmp_path):
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(path))
        found = examine(landed, env={"DOCKER_HOST": f"unix://{path}"})
        assert found.severity("engine") == "warning" and "refused" in found.text("engine")
        engine.listen(1)
        assert examine(landed, env={"DOCKER_HOST": f"unix://{path}"}).severity("engine") == "ok"


def test_engine_of_a_context(landed):
    landed.write_docker_config({"currentContext": "gone"})
    assert "'gone'" in examine(landed).text("engine")
    folder = landed.home / "docker/contexts/meta" / hashlib.sha256(b"gone").hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps(
        {"Name": "gone", "Endpoints": {"docker": {"Host": "ssh://build@far.example"}}}))
    assert "ssh://build@far.example" in examine(landed).text("engine")


def test_kubeconfig(landed, tmp_path):
    path = tmp_path / "kubeconfig"
    found = examine(landed, env={"KUBECONFIG": f"{path}:{path}"})
    assert found.severity("kubeconfig") == "warning"
    path.write_text("clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
                    "users: [{name: u, user: {exec: {command: some-plugin, "
                    "apiVersion: client.authentication.k8s.io/v1beta1}}}]\n"
                    "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                    "current-context: x\n")
    path.chmod(0o600)
    folder = landed.home / "empty"
    folder.mkdir()
    env = {"KUBECONFIG": str(path), "PATH": str(folder)}
    assert "not on PATH" in examine(landed, env=env).text("kubeconfig")


# -- Google's logins


def test_application_default_credentials(landed, make_front, google, files, repo):
    front = make_front(google=google, secret=None)
    env = {"GOOGLE_APPLICATION_CREDENTIALS": str(files.service_account())}
    found = examine(landed, ref(front, repo), env=env, cred=("--cred", "adc"))
    assert ACCOUNT in found.text("credential") and "renewable" in found.text("credential")
    assert found.severity("upload") == "ok"


def test_broken_credential_file(landed, front, tmp_path, repo):
    env = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "nothing.json")}
    found = examine(landed, ref(front, repo), env=env, cred=("--cred", "adc"), code=NO_CREDENTIAL)
    assert found.severity("credential") == "error" and found.severity("gcloud") == "warning"


def test_two_identities(landed, files):
    env = {"GOOGLE_APPLICATION_CREDENTIALS": str(files.service_account()),
           "CLOUDSDK_CONFIG": str(files.gcloud(account="me@acme.example"))}
    found = examine(landed, env=env)
    assert found.severity("gcloud") == "warning"
    assert "me@acme.example" in found.text("gcloud") and ACCOUNT in found.text("gcloud")


SCOPES = {"read-only": ({"https://www.googleapis.com/auth/devstorage.read_only"}, "error", DENIED),
          "platform": ({"https://www.googleapis.com/auth/cloud-platform"}, "ok", 0)}


@pytest.mark.parametrize("id", SCOPES)
def test_scopes_of_the_machine(id, landed, google):
    scopes, severity, code = SCOPES[id]
    google.metadata.scopes = scopes
    found = examine(landed, env={"GCE_METADATA_HOST": google.host}, cred=("--cred", "metadata"),
                    code=code)
    assert found.severity("metadata") == severity, found.text("metadata")


# -- what it says


def test_lines(landed, front, repo):
    done = landed("doctor", ref(front, repo), *landed.credential())
    assert done.code == 0, str(done)
    assert any(line.startswith("ok        upload ") for line in done.out.splitlines()), done.out
    done = landed("doctor", "-q", ref(front, repo), *landed.credential("wrong"))
    assert done.code == REFUSED, str(done)
    assert not [line for line in done.out.splitlines() if line.startswith(("ok ", "note "))]
    errors = [line for line in done.err.splitlines() if line.startswith("landed: ")]
    assert len(errors) == 1 and "stands in the way" in errors[0], done.err


BAD = {"two": ("a/b", "c/d"), "no-reference": ("A//b",), "option": ("--jobs", "2")}


@pytest.mark.parametrize("id", BAD)
def test_usage(id, landed):
    done = landed("doctor", *BAD[id])
    assert done.code == USAGE and not done.out, str(done)
