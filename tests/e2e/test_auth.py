"""Where a credential comes from, whom it is shown to, and how a refusal is told."""
import base64
import json

import pytest

import certs
from conftest import SECRET, USER, assert_landed, assert_told_once
from registry import Registry
from tokenserver import TokenServer


def basic(user=USER, secret=SECRET):
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


def push(landed, front, repo, image, *options, **how):
    return landed("push", image.source(), f"{front.address}/{repo}:1", *options, **how)


# -- the ways of a registry


def test_basic_front(landed, make_front, registry, repo, image):
    front = make_front(mode="basic")
    assert_landed(landed.push(image.source(), f"{front.address}/{repo}:1"), registry, repo, "1",
                  image.digest)


def test_real_basic(landed, image, tmp_path):
    with Registry(tmp_path / "r", "basic") as real:
        done = landed("push", image.source(), f"{real.address}/a/b:1",
                      *landed.credential("secret", "user"))
        assert_landed(done, real, "a/b", "1", image.digest)


@pytest.mark.parametrize("oauth2", [False, True])
def test_real_tokens(oauth2, landed, image, tmp_path):
    with TokenServer(tmp_path, oauth2=oauth2) as tokens, \
            Registry(tmp_path / "r", "token", tokens=tokens) as real:
        done = landed("push", image.source(), f"{real.address}/a/b:1",
                      *landed.credential("secret", "user"))
        assert_landed(done, real, "a/b", "1", image.digest)
        assert any("repository:a/b:" in " ".join(scopes) for _, _, scopes in tokens.asked)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return certs.Authority(tmp_path_factory.mktemp("ca"))


def test_private_ca(landed, authority, image, tmp_path):
    with Registry(tmp_path / "r", tls=authority.issue("server")) as real:
        ref = f"{real.address}/a/b:1"
        refused = landed("push", image.source(), ref, "--cred", "anon", "--retries", "1")
        assert refused.code == 30 and "certificate" in refused.err.lower(), str(refused)
        done = landed("push", image.source(), ref, "--cred", "anon", "--cacert", authority.cert)
        assert_landed(done, real, "a/b", "1", image.digest)
        assert landed("verify", ref, "--cred", "anon", "--insecure").code == 0


def test_client_certificate(landed, authority, image, tmp_path):
    server = authority.issue("strict-server")
    cert, key = authority.issue("client", client=True)
    with Registry(tmp_path / "r", tls=(*server, authority.cert)) as real:
        ref, ca = f"{real.address}/a/b:1", ("--cacert", authority.cert)
        refused = landed("push", image.source(), ref, "--cred", "anon", *ca, "--retries", "1")
        assert refused.code == 30, str(refused)
        done = landed("push", image.source(), ref, "--cred", "anon", *ca, "--cert", cert,
                      "--key", key)
        assert_landed(done, real, "a/b", "1", image.digest)


def test_tls_front(landed, authority, make_front, registry, repo, image):
    front = make_front(tls=authority.issue("front"))
    done = landed.push(image.source(), f"{front.address}/{repo}:1", "--cacert", authority.cert)
    assert_landed(done, registry, repo, "1", image.digest)


def test_certificate_of_another_host(landed, authority, image, tmp_path):
    wrong = authority.issue("elsewhere", hosts=("DNS:elsewhere.test",))
    with Registry(tmp_path / "r", tls=wrong) as real:
        done = landed("push", image.source(), f"{real.address}/a/b:1", "--cred", "anon",
                      "--cacert", authority.cert, "--retries", "1")
        assert done.code == 30, str(done)


# -- sources of credentials


def test_cred_env(landed, front, registry, repo, image):
    done = push(landed, front, repo, image, "--cred", "env:MY_TOKEN", "--cred-user", USER,
                env={"MY_TOKEN": SECRET})
    assert_landed(done, registry, repo, "1", image.digest)


def test_cred_exec(landed, front, registry, repo, image):
    helper = landed.write_helper("fresh-token", f"#!/bin/sh\necho '{SECRET}'\n")
    done = push(landed, front, repo, image, "--cred", f"exec:{helper}", "--cred-user", USER)
    assert_landed(done, registry, repo, "1", image.digest)


@pytest.mark.parametrize("script", ["exit 3", "true", "echo; exit 0", "sleep 100"],
                         ids=["fails", "silent", "empty", "hangs"])
def test_cred_exec_that_gives_nothing(script, landed, front, repo, image):
    helper = landed.write_helper("broken", f"#!/bin/sh\n{script}\n")
    done = push(landed, front, repo, image, "--cred", f"exec:{helper}", "--cred-user", USER,
                "--renew-wait", "2s")
    assert done.code == 22 and done.seconds < 35, str(done)
    assert_told_once(done)


def test_cred_file_that_is_absent(landed, front, repo, image, tmp_path):
    done = push(landed, front, repo, image, "--cred", f"file:{tmp_path}/none", "--renew-wait", "1s")
    assert done.code == 22 and "none" in done.err, str(done)


def test_creds_are_tried_in_order(landed, front, registry, repo, image):
    done = push(landed, front, repo, image, "--cred", "env:NOT_SET", "--cred", "env:MY_TOKEN",
                "--cred-user", USER, env={"MY_TOKEN": SECRET})
    assert_landed(done, registry, repo, "1", image.digest)


@pytest.mark.parametrize("key", ["{host}", "http://{host}", "https://{host}", "https://{host}/v2/"])
def test_docker_config_auths(key, landed, front, registry, repo, image):
    landed.write_docker_config({"auths": {key.format(host=front.address): {"auth": basic()}}})
    assert_landed(push(landed, front, repo, image), registry, repo, "1", image.digest)


def helper_script(document):
    return f"""#!/bin/sh
[ "$1" = get ] || exit 1
read server
echo "$server" >> "$HOME/helper-asked"
cat <<'END'
{json.dumps(document)}
END
"""


@pytest.mark.parametrize("how", ["credHelpers", "credsStore"])
def test_docker_config_helper(how, landed, front, registry, repo, image):
    landed.write_docker_config({"credHelpers": {front.address: "mine"}} if how == "credHelpers"
                               else {"credsStore": "mine", "auths": {front.address: {}}})
    landed.write_helper("docker-credential-mine", helper_script(
        {"ServerURL": front.address, "Username": USER, "Secret": SECRET}))
    assert_landed(push(landed, front, repo, image), registry, repo, "1", image.digest)
    assert front.address in (landed.home / "helper-asked").read_text()


def test_docker_config_helper_that_is_missing(landed, front, repo, image):
    """docker would push anonymously now; we say what is wrong."""
    landed.write_docker_config({"credHelpers": {front.address: "nowhere"}})
    done = push(landed, front, repo, image, "--renew-wait", "1s")
    assert done.code == 22 and "docker-credential-nowhere" in done.err, str(done)


def test_docker_config_identity_token(landed, make_front, registry, repo, image):
    front = make_front(oauth2=True, identity_tokens={"identity-1"})
    landed.write_docker_config({"auths": {front.address: {
        "auth": basic("00000000-0000-0000-0000-000000000000", ""), "identitytoken": "identity-1"}}})
    assert_landed(push(landed, front, repo, image), registry, repo, "1", image.digest)
    assert front.record.count("POST", "^/v2/token", status=200) >= 1


def test_docker_config_helper_with_identity_token(landed, make_front, registry, repo, image):
    front = make_front(oauth2=True, identity_tokens={"identity-1"})
    landed.write_docker_config({"credsStore": "mine"})
    landed.write_helper("docker-credential-mine", helper_script(
        {"ServerURL": front.address, "Username": "<token>", "Secret": "identity-1"}))
    assert_landed(push(landed, front, repo, image), registry, repo, "1", image.digest)


def test_docker_config_that_is_not_json(landed, front, repo, image):
    (landed.home / "docker/config.json").write_text("{ not json")
    done = push(landed, front, repo, image, "--renew-wait", "1s")
    assert done.code in (2, 22) and "config.json" in done.err, str(done)


@pytest.mark.parametrize("key", ["{host}", "{host}/acme", "{host}/acme/web"])
def test_podman_auth_json(key, landed, front, registry, repo, image, tmp_path):
    path = tmp_path / "auth.json"
    wrong = {front.address: {"auth": basic(secret="wrong")}}
    right = {key.format(host=front.address): {"auth": basic()}}
    path.write_text(json.dumps({"auths": wrong | right}))
    done = push(landed, front, repo, image, env={"REGISTRY_AUTH_FILE": str(path)})
    assert_landed(done, registry, repo, "1", image.digest)


def test_authfile(landed, front, registry, repo, image, tmp_path):
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {front.address: {"auth": basic()}}}))
    assert_landed(push(landed, front, repo, image, "--authfile", path), registry, repo, "1",
                  image.digest)


# -- whom a credential is shown to


def test_realm_on_another_port_of_loopback(landed, make_front, registry, repo, image):
    """GitLab's shape.  Loopback to loopback over http is allowed."""
    front = make_front()
    front.gate.realm = f"{front.other_url}/v2/token"
    done = landed.push(image.source(), f"{front.address}/{repo}:1")
    assert_landed(done, registry, repo, "1", image.digest)
    assert front.record.count(path="^/v2/token", origin="other") >= 1


@pytest.mark.parametrize("realm", ["http://198.51.100.7/token", "http://token.invalid/token",
                                   "ftp://127.0.0.1/token", "file:///etc/passwd",
                                   "http://169.254.169.254/latest/token", "not a url", ""])
def test_hostile_realm_gets_no_credential(realm, landed, make_front, repo, image):
    front = make_front()
    front.gate.realm = realm
    done = landed.push(image.source(), f"{front.address}/{repo}:1", "--timeout", "20s")
    assert done.code not in (0, 1), str(done)
    assert done.seconds < 15, "a realm like that needs no attempt\n" + str(done)
    assert_told_once(done)


def test_authorization_does_not_follow_a_redirect(landed, front, registry, repo, image):
    """Blob hosts must never see the registry's token."""
    front.plan.add(at="head-blob", times=0, action={"do": "redirect", "status": 307})
    front.plan.add(at="get-blob", times=0, action={"do": "redirect", "status": 302})
    done = landed.push(image.source(), f"{front.address}/{repo}:1", "--depth", "bytes")
    assert_landed(done, registry, repo, "1", image.digest)
    seen = front.record.where(path="/blobs/", origin="other")
    assert seen and not any(e["authorization"] for e in seen)


def test_authorization_does_not_follow_a_location(landed, make_front, registry, repo, image):
    front = make_front("other-host")
    done = landed.push(image.source(), f"{front.address}/{repo}:1")
    assert_landed(done, registry, repo, "1", image.digest)
    seen = front.record.where("PATCH", origin="other")
    assert seen and not any(e["authorization"] for e in front.record.where(origin="other"))


@pytest.mark.parametrize("verbosity", [(), ("-v",), ("-v", "-v"), ("--timeline",),
                                       ("--progress", "json"), ("-o", "json")])
def test_secrets_are_never_printed(verbosity, landed, front, repo, image, tmp_path):
    receipt = tmp_path / "receipt"
    done = landed.push(image.source(), f"{front.address}/{repo}:1", "--receipt", receipt,
                       *verbosity)
    assert done.code == 0, str(done)
    text = done.out + done.err + receipt.read_text()
    for secret in [SECRET, basic(), *(t.text for t in front.gate.issued)]:
        assert secret not in text


def test_secrets_are_not_in_the_process_list(landed, make_front, repo, image):
    front = make_front(rate=300_000)
    running = landed.start("push", image.source(), f"{front.address}/{repo}:1",
                           *landed.credential())
    front.wait(0.7)
    folder = f"/proc/{running.process.pid}"
    line = open(f"{folder}/cmdline", "rb").read()
    running.wait()
    assert line and SECRET.encode() not in line


# -- refusals


def test_wrong_password(landed, front, repo, image):
    """A stored password cannot renew itself: final at once."""
    landed.write_docker_config({"auths": {front.address: {"auth": basic(secret="wrong")}}})
    done = push(landed, front, repo, image)
    assert done.code == 20, str(done)
    assert done.seconds < 5
    assert len(front.record.entries) < 12, front.record.lines()
    assert_told_once(done)


def test_wrong_password_from_a_file(landed, front, repo, image):
    """A file may get a new one: waited for, not longer than asked."""
    done = landed("push", image.source(), f"{front.address}/{repo}:1",
                  *landed.credential("wrong"), "--renew-wait", "2s")
    assert done.code == 20 and done.seconds < 8, str(done)
    assert len(front.record.entries) < 30, front.record.lines()


def test_wrong_password_basic(landed, make_front, repo, image):
    front = make_front(mode="basic")
    landed.write_docker_config({"auths": {front.address: {"auth": basic(secret="wrong")}}})
    done = push(landed, front, repo, image)
    assert done.code == 20 and done.seconds < 5, str(done)


def test_no_credential_at_all(landed, front, repo, image):
    done = push(landed, front, repo, image, "--renew-wait", "1s")
    assert done.code in (20, 22), str(done)
    assert done.seconds < 8
    assert_told_once(done)


def test_no_right_to_push(landed, make_front, repo, image):
    """Artifact Registry says it at the token endpoint."""
    front = make_front(strict=True, grant=lambda user, repository, action: action == "pull")
    done = landed.push(image.source(), f"{front.address}/{repo}:1")
    assert done.code == 21 and done.seconds < 8, str(done)
    assert "uploadArtifacts" in done.err, "the registry's own words are the evidence\n" + str(done)
    assert "roles/artifactregistry.writer" in done.err, "what to ask for\n" + str(done)
    assert_told_once(done)


@pytest.mark.parametrize("lacking", ["denied", "insufficient_scope"])
def test_no_right_to_push_told_late(lacking, landed, make_front, repo, image):
    """A subset of the scopes is granted without a word; the POST is refused."""
    front = make_front(lacking=lacking, grant=lambda user, repository, action: action == "pull")
    done = landed.push(image.source(), f"{front.address}/{repo}:1", "--renew-wait", "2s")
    assert done.code == 21 and done.seconds < 10, str(done)
    assert lacking != "denied" or "roles/artifactregistry.writer" in done.err, str(done)
    assert len(front.record.entries) < 40, front.record.lines()


def test_no_right_to_read_back(landed, make_front, repo, image):
    """Write-only credentials exist; what cannot be proven is not success."""
    front = make_front()
    front.plan.add(at="get-manifest", times=0, action={"do": "refuse", "shape": "denied"})
    front.plan.add(at="head-manifest", times=0, action={"do": "refuse", "shape": "denied"})
    done = landed.push(image.source(), f"{front.address}/{repo}:1", "--renew-wait", "2s")
    assert done.code == 3, str(done)


def test_anonymous_token_is_not_a_login(landed, make_front, repo, image):
    """The endpoint hands out worthless tokens to everybody; the push is refused later."""
    front = make_front(anonymous="empty", lacking="unauthenticated")
    done = landed("push", image.source(), f"{front.address}/{repo}:1", "--cred", "anon")
    assert done.code in (20, 21, 22) and done.seconds < 10, str(done)


@pytest.mark.parametrize("claim", [None, 0, -5, "300", 1e30, "soon", {}, 3600.5],
                         ids=lambda c: f"expires_in={c!r}")
def test_odd_lives(claim, landed, make_front, registry, repo, image):
    front = make_front(claim=claim)
    done = landed.push(image.source(), f"{front.address}/{repo}:1")
    assert_landed(done, registry, repo, "1", image.digest)
    assert len(front.gate.issued) < 40


@pytest.mark.parametrize("issued_at", [-7200, 7200, "yesterday", "", 0])
def test_odd_clocks(issued_at, landed, make_front, registry, repo, image):
    front = make_front(issued_at=issued_at, life=300)
    done = landed.push(image.source(), f"{front.address}/{repo}:1")
    assert_landed(done, registry, repo, "1", image.digest)
    assert len(front.gate.issued) < 40


def test_direct_forms(landed, make_front, registry, repo, image):
    """A registry that takes the access token itself, as Artifact Registry does too."""
    front = make_front(direct=True)
    done = landed.push(image.source(), f"{front.address}/{repo}:1")
    assert_landed(done, registry, repo, "1", image.digest)
