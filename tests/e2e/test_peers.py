"""The peers held against reality: a client that nobody here wrote works through them, and fails
where it is known to fail.  These tests need no program of ours."""
import subprocess
import sys
import time
from pathlib import Path

import pytest

import archives
import images
from conftest import ROOT, SECRET, USER, pull, skopeo
from registry import Registry
from relay import Relay
from tokenserver import TokenServer


def skopeo_push(source, address, repo, *options, tag="1", creds=f"{USER}:{SECRET}"):
    login = ("--dest-creds", creds) if creds else ()
    return skopeo("copy", "-q", "--all", "--dest-tls-verify=false", *login, *options, source,
                  f"docker://{address}/{repo}:{tag}")


def test_push_in_the_shape_of_artifact_registry(front, registry, repo, tmp_path):
    # of its own: skopeo remembers where it has seen blobs, and would mount them
    image = images.single(tmp_path / "image", size=200_000, seed=71)
    done = skopeo_push(image.source("latest"), front.address, repo)
    assert done.returncode == 0, done.stderr
    assert registry.storage.tag(repo, "1") == image.digest
    assert registry.problems(repo, "1") == []
    assert pull(registry, repo, "1", tmp_path / "pulled") == ""

    record = front.record
    assert record.count("POST", "/blobs/uploads/$", status=202) == 4
    capability = "^/artifacts-uploads/namespaces/acme/repositories/web/uploads/"
    assert record.count("PATCH", capability) == 4
    assert record.count("PUT", "^/v2/acme/web/pkg/blobs/uploads/.*digest=", status=201) == 4
    assert record.count("PUT", "/manifests/1$", status=201) == 1
    assert record.count("GET", "^/v2/token", status=200) == 1
    assert {e["token"] for e in record.where("POST")} == {"t1"}
    assert sum(e["body_bytes"] for e in record.where("PATCH")) == sum(
        image.blob_path(d).stat().st_size for d in image.blobs())
    assert SECRET not in str(record.entries)


@pytest.mark.parametrize("shape", ["pass", "relative", "absolute", "query", "other-host"])
def test_push_through_every_shape_of_location(shape, make_front, registry, repo, image):
    front = make_front(shape)
    done = skopeo_push(image.source("latest"), front.address, repo)
    assert done.returncode == 0, done.stderr + front.record.lines()
    assert registry.problems(repo, "1") == []


@pytest.mark.parametrize("make", [
    images.multi, lambda p: images.multi(p, attestations=True), images.foreign, images.duplicates,
    images.zstd_types, images.empty_layer], ids=["multi", "attested", "foreign", "duplicates",
                                                 "zstd", "empty-layer"])
def test_every_layout_is_valid(make, front, registry, repo, tmp_path):
    made = make(tmp_path / "layout")
    done = skopeo_push(made.source("latest"), front.address, repo)
    assert done.returncode == 0, done.stderr
    assert registry.storage.tag(repo, "1") == made.digest
    assert registry.problems(repo, "1") == []


@pytest.mark.parametrize("form", [archives.classic, archives.modern])
def test_docker_archives_are_valid(form, front, registry, repo, tmp_path):
    path = form(tmp_path / "image.tar")
    done = skopeo_push(f"docker-archive:{path}", front.address, repo)
    assert done.returncode == 0, done.stderr
    assert registry.problems(repo, "1") == []


def test_oci_archive_is_valid(front, registry, repo, image, tmp_path):
    path = archives.from_layout(tmp_path / "image.tar", image)
    assert skopeo_push(f"oci-archive:{path}", front.address, repo).returncode == 0
    assert registry.storage.tag(repo, "1") == image.digest


@pytest.mark.parametrize("refusal", ["challenge", "invalid_token", "bare", "unauthenticated",
                                     "denied", "expired400"])
def test_tokens_that_die_fail_the_known_client(refusal, make_front, registry, repo, image):
    front = make_front(refusal=refusal)
    front.plan.add(at="manifest", action={"do": "refuse", "shape": refusal, "kill": "token"})
    done = skopeo_push(image.source("latest"), front.address, repo)
    assert done.returncode == 1
    assert registry.storage.tag(repo, "1") is None
    assert front.record.count("PUT", "/manifests/") == 1


def test_short_tokens_and_a_slow_link_fail_the_known_client(make_front, registry, repo, image):
    front = make_front(life=1, rate=200_000)
    done = skopeo_push(image.source("latest"), front.address, repo)
    assert done.returncode == 1
    assert registry.storage.tag(repo, "1") is None
    refused = front.record.where(status=401, authorization=True)
    assert refused and refused[0]["token_age"] >= 1


def test_wrong_password_is_refused(front, repo, image):
    done = skopeo_push(image.source("latest"), front.address, repo, creds=f"{USER}:wrong")
    assert done.returncode == 1
    assert front.record.count("GET", "^/v2/token", status=401) >= 1


def test_basic_front(make_front, registry, repo, image):
    front = make_front(mode="basic")
    assert skopeo_push(image.source("latest"), front.address, repo).returncode == 0
    assert registry.problems(repo, "1") == []


@pytest.mark.parametrize("mode", ["basic", "token"])
def test_real_authentication(mode, tmp_path, image):
    with TokenServer(tmp_path) as tokens, Registry(tmp_path / "r", mode, tokens=tokens) as real:
        wrong = skopeo_push(image.source("latest"), real.address, "a/b", creds="user:wrong")
        right = skopeo_push(image.source("latest"), real.address, "a/b", creds="user:secret")
        assert (wrong.returncode, right.returncode) == (1, 0), right.stderr
        assert real.problems("a/b", "1") == []


def test_the_truth_is_strict(registry, repo, image):
    """Each way in which an image can be incomplete is seen."""
    assert skopeo_push(image.source("latest"), registry.address, repo, creds=None).returncode == 0
    assert registry.whole(repo, "1") and not registry.whole(repo, "2")
    layer = image.manifest()["layers"][0]["digest"]
    path = registry.storage.blob_path(layer)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"!")
    assert "other bytes" in registry.problems(repo, "1")[0]
    path.write_bytes(good[:-1])
    assert "wrong size" in registry.problems(repo, "1")[0]
    path.write_bytes(good)
    assert registry.whole(repo, "1")
    registry.delete_blob(repo, layer)
    assert "not linked" in registry.problems(repo, "1")[0]


def curl(*args):
    return subprocess.run(["curl", "-sS", "--max-time", "20", *map(str, args)],
                          capture_output=True, text=True)


def test_refusal_comes_before_the_body(make_front, registry, repo, tmp_path):
    """With Expect: 100-continue a refused client never sends its body."""
    front = make_front("pass", mode="bearer")
    big = tmp_path / "big"
    big.write_bytes(bytes(20 << 20))
    done = curl("-i", "-X", "PUT", "-H", "Expect: 100-continue", "-H", "Authorization: Bearer x",
                "-T", big, f"{front.url}/v2/{repo}/blobs/uploads/none?digest=sha256:0")
    assert "HTTP/1.1 401" in done.stdout and "100 Continue" not in done.stdout
    assert front.record.where("PUT")[0]["body_bytes"] == 0


@pytest.mark.parametrize("action, curl_code", [
    ({"do": "reset"}, 56), ({"do": "close"}, 52), ({"do": "cut", "bytes": 1, "fin": True}, 18),
    ({"do": "cut", "fin": True}, 18), ({"do": "raw", "text": "nonsense"}, 1), ({"do": "stall", "seconds": 0.3}, 56),
])
def test_broken_connections(action, curl_code, make_front):
    front = make_front("pass", mode="none", rules=[{"path": "/v2/", "action": action}])
    assert curl(f"{front.url}/v2/").returncode == curl_code
    assert curl(f"{front.url}/v2/").returncode == 0


def test_nobody_listens_for_a_while(make_front):
    front = make_front("pass", mode="none", rules=[
        {"path": "/v2/", "action": {"do": "away", "seconds": 3}}])
    assert [curl(f"{front.url}/v2/").returncode for _ in range(2)] == [0, 7]
    back = curl("--retry", 100, "--retry-delay", 1, "--retry-connrefused", f"{front.url}/v2/")
    assert back.returncode == 0, back.stderr
    assert len(front.record.entries) == 2


def test_blobs_that_are_elsewhere(make_front, registry, repo, image, tmp_path):
    front = make_front(blobs_elsewhere=True)
    assert skopeo_push(image.source("latest"), front.address, repo).returncode == 0
    done = skopeo("copy", "-q", "--src-tls-verify=false", "--src-creds", f"{USER}:{SECRET}",
                  f"docker://{front.address}/{repo}:1", f"dir:{tmp_path}/pulled")
    assert done.returncode == 0, done.stderr
    assert front.record.count("GET", "/blobs/sha256:", status=307, origin="front") == 4
    assert front.record.count("GET", "/blobs/sha256:", status=200, origin="other") == 4


def test_the_relay(make_front):
    """Shut: refused.  Frozen: silence.  Resets: a RST.  In between it is not there."""
    front = make_front("pass", mode="none")
    with Relay(front.address, resets=1) as relay:
        def ask():
            return curl("--max-time", "1", f"{relay.url}/v2/").returncode

        assert [ask(), ask()] == [56, 0]
        relay.shut()
        assert ask() == 7
        relay.open()
        assert ask() == 0
        relay.freeze(new=True)
        assert ask() == 28
        relay.thaw()
        assert ask() == 0


def test_a_blob_that_is_vouched_for(make_front, registry, repo, image):
    """Whoever asks whether it is there is told so; who wants it gets 404."""
    front = make_front("pass", mode="none", rules=[
        {"path": "/blobs/", "times": 0, "action": {"do": "vouch"}}])
    front.sizes = image.sizes()
    digest, size = max(front.sizes.items(), key=lambda pair: pair[1])
    url = f"{front.url}/v2/{repo}/blobs/{digest}"
    assert f"content-length: {size}" in curl("-I", url).stdout.lower()
    assert f"/{size}" in curl("-i", "-r", "0-0", url).stdout
    assert "404" in curl("-i", url).stdout


def test_the_front_as_a_command(registry, repo, image, tmp_path):
    record = tmp_path / "record"
    process = subprocess.Popen(
        [sys.executable, ROOT / "tests/peers/front.py", "--registry", registry.url,
         "--token-life", "30", "--record", record], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    try:
        address = process.stdout.readline().strip()
        done = skopeo_push(image.source("latest"), address, repo, creds=f"{USER}:secret")
        assert done.returncode == 0, done.stderr
        process.stdin.close()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
    assert registry.problems(repo, "1") == []
    assert '"PUT"' in Path(record).read_text()


def test_closing_is_quick(make_front):
    """A front that stalls does not hold up the end of a test."""
    front = make_front("pass", mode="none", rules=[
        {"path": "/v2/", "action": {"do": "stall", "seconds": 60}}])
    client = subprocess.Popen(["curl", "-s", f"{front.url}/v2/"])
    time.sleep(0.2)
    started = time.monotonic()
    front.__exit__()
    client.wait(10)
    assert time.monotonic() - started < 2
