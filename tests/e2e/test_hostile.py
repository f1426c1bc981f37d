"""Enemies: what they cost in memory, where they lead us, what they make us read."""
import gzip
import json
import resource
import time
from pathlib import Path

import pytest

import images
from cases import CASES
from certs import Authority
from conftest import SECRET, assert_told_once
from registry import Registry
from relay import Relay
from tunnel import Tunnel

# More than a push takes on a good day; an answer of a gigabyte that was held would show.
MORE_KIB = 100 << 10
LIMIT = 256 << 20


def peak_kib(running):
    """Of the program while it runs: VmHWM only grows, so the last look is the peak."""
    peak = 0
    while running.process.poll() is None:
        try:
            status = Path(f"/proc/{running.process.pid}/status").read_text()
        except OSError:
            break
        peak = next((int(line.split()[1]) for line in status.splitlines()
                     if line.startswith("VmHWM")), peak)
        time.sleep(0.01)
    return peak


LARGE = [id for id in CASES if id.startswith(("hostile-flood", "hostile-endless", "hostile-bomb"))]


@pytest.mark.parametrize("id", LARGE)
def test_bounded_memory(id, landed, make_front, repo, image):
    case = CASES[id]
    good = landed.start("push", image.source(), f"{make_front().address}/{repo}:1",
                        *landed.credential())
    usual = peak_kib(good)
    assert good.wait().code == 0 and usual
    front = make_front(rules=case.rules, **case.settings)
    bad = landed.start("push", image.source(), f"{front.address}/{repo}x:1", *case.options,
                       *landed.credential())
    peak = peak_kib(bad)
    bad.wait()
    assert peak < usual + MORE_KIB, f"{peak} KiB, {usual} KiB on a good day"


def test_archive_that_unpacks_to_gigabytes(landed, front, repo, tmp_path):
    """Memory stays what it is; the disk gets full, and that is told."""
    path = tmp_path / "bomb.tar.gz"
    member = gzip.compress(bytes(64 << 20), 1, mtime=0)
    with open(path, "wb") as file:
        for _ in range(64):
            file.write(member)
    with open(path, "rb") as pipe:
        running = landed.start(
            "push", "docker-archive:-", f"{front.address}/{repo}:1", *landed.credential(),
            stdin=pipe, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)))
        peak = peak_kib(running)
        done = running.wait()
    assert done.code == 42 and "TMPDIR" in done.err, str(done)
    assert peak < 500 << 10
    assert_told_once(done)


# -- places inside: a registry elsewhere names them, nobody goes there


@pytest.fixture
def elsewhere(tmp_path):
    """A registry with a name, which only the proxy can reach; and a witness on loopback."""
    name = "registry.test"
    authority = Authority(tmp_path / "ca")
    pair = authority.issue("s", hosts=(f"DNS:{name}",))
    with Relay("127.0.0.1:9") as witness, Registry(tmp_path / "r", "basic", tls=pair) as real:
        yield name, authority, real, witness


def realm_of(real, realm):
    """From now on the registry's challenge names this REALM."""
    real.stop()
    cert = real.tls[0]
    real.mode, real.extra = "plain", {"auth": {"token": {
        "realm": realm, "service": "s", "issuer": "i", "rootcertbundle": str(cert)}}}
    assert real.start(int(real.address.rpartition(":")[2]))


REALMS = {"loopback": "http://WITNESS/token", "loopback-https": "https://WITNESS/token",
          "localhost": "http://localhost:PORT/token", "loopback-6": "http://[::1]:PORT/token",
          "link-local": "http://169.254.169.254/token", "plain-http": "http://token.test/token"}


@pytest.mark.parametrize("realm", REALMS)
def test_realm_inside_is_never_asked(realm, elsewhere, landed, image):
    """Neither an address of this machine, nor plain http: the proxy and the witness see nothing."""
    name, authority, real, witness = elsewhere
    realm = REALMS[realm].replace("WITNESS", witness.address).replace("PORT", str(witness.port))
    realm_of(real, realm)
    with Tunnel(real.address) as proxy:
        done = landed.push(image.source(), f"{name}:{real.address.rpartition(':')[2]}/a/b:1",
                           "--cacert", authority.cert, env={"HTTPS_PROXY": proxy.url,
                                                            "HTTP_PROXY": proxy.url})
    assert done.code == 22, str(done)
    assert {where for _, where in proxy.asked} == {f"{name}:{real.address.rpartition(':')[2]}"}
    assert witness.accepted == 0
    assert SECRET not in done.err
    assert_told_once(done)


# -- what is read


EVIL = ["sha256:../../../../etc/passwd", "sha256:" + "A" * 64, "sha256:", "", "../x",
        "sha256:a/../b", "md5:" + "0" * 32, "sha256:" + "0" * 63 + "\x00"]


@pytest.mark.parametrize("kind", ["layer", "child"])
@pytest.mark.parametrize("digest", EVIL, ids=range(len(EVIL)))
def test_verify_of_a_manifest_with_an_evil_digest(digest, kind, landed, front, repo):
    """Nothing is asked for under a name that is none."""
    part = {"mediaType": images.MANIFEST if kind == "child" else images.TAR, "digest": digest,
            "size": 2}
    config = {"mediaType": images.CONFIG, "digest": images.digest_of(b"{}"), "size": 2}
    document = {"schemaVersion": 2} | (
        {"mediaType": images.INDEX, "manifests": [part]} if kind == "child" else
        {"mediaType": images.MANIFEST, "config": config, "layers": [part]})
    front.plan.add(at="get-tag", times=0, action={
        "do": "answer", "status": 200, "body": json.dumps(document),
        "headers": {"Content-Type": document["mediaType"]}})
    done = landed.verify(f"{front.address}/{repo}:1", "--retries", "1")
    assert done.code in (12, 30), str(done)
    assert not [e for e in front.record.where() if ".." in e["path"] or "passwd" in e["path"]]
    assert front.record.count(path="/blobs/") == 0
    assert_told_once(done)
