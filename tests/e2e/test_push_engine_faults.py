"""landed push from an engine that misbehaves (peers/engine_peer.py): the right exit code, clear
words, and nothing under the tag."""
import json
import os
import resource
import shutil
import signal
import threading

import pytest

import archives
from conftest import Landed, assert_landed
from engine_peer import FLAVOURS, cut, fail_inside, hang, remove
from test_push_engine import APP, SIZE, assert_nothing_left, assert_pushed

EVER = 0
NOBODY = 65534


@pytest.fixture
def peer_push(landed, front, repo):
    """peer_push(PEER, words...): of its image to REPO:1, with nothing kept from earlier pushes."""
    def push(peer, *words, source=f"docker-daemon:{APP}", tag="1", env=None, **how):
        env = {"DOCKER_HOST": getattr(peer, "host", peer)} | (env or {})
        return landed.push(source, f"{front.address}/{repo}:{tag}", *words, env=env, **how)

    return push


def id_of(peer):
    return peer.images[0].id


# -- nothing is wrong


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_flavour(flavour, peer_push, make_peer, registry, repo):
    peer = make_peer(flavour)
    done = peer_push(peer)
    if flavour == "containerd":
        assert_landed(done, registry, repo, "1", id_of(peer))
    else:
        assert_pushed(done, registry, repo, "1", id_of(peer))


def test_containerd_sends_what_the_store_has(peer_push, make_peer, front, registry, repo):
    """The blobs of the pull, the index itself: its digest is the image's ID."""
    peer = make_peer("containerd")
    done = peer_push(peer, "--depth", "bytes")
    assert_landed(done, registry, repo, "1", id_of(peer))
    again = peer_push(peer, "-v")
    assert again.code == 0 and "exporting" not in again.err, str(again)
    assert peer.record.count("GET", "/get") == 1


def test_containerd_beside_its_layers(peer_push, make_peer, front, registry, repo):
    """The registry has the very layers, not the image: the rest of it is still to be read."""
    peer = make_peer("containerd")
    assert peer_push(peer).code == 0
    lost = registry.storage.tag(repo, "1")
    assert registry.request("DELETE", f"/v2/{repo}/manifests/{lost}")[0] == 202
    children = json.loads(registry.storage.blob_path(lost).read_bytes())["manifests"]
    front.record.clear()
    done = peer_push(peer)
    assert_landed(done, registry, repo, "1", lost)
    assert front.record.count("PUT", "digest=", status=201) == 0
    assert len(children) == 1


def test_containerd_with_part_of_its_index(peer_push, make_peer, place, registry, repo):
    """Only one platform was pulled: that one is sent, and said."""
    peer = make_peer("containerd", archives.containerd(place / "part.tar", absent=True, size=SIZE))
    done = peer_push(peer)
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == []
    assert done.digest == registry.storage.tag(repo, "1") != id_of(peer)
    assert "linux/amd64" in done.err
    assert "layers" in json.loads(registry.storage.manifest(repo, "1"))
    for words in ((), ("--platform", "linux/amd64")):
        again = peer_push(peer, *words)
        assert_landed(again, registry, repo, "1", done.digest)
    assert peer_push(peer, "--platform", "linux/s390x", tag="2").code == 40
    assert peer_push(peer, "--platform", "linux/arm64", tag="2").code in (40, 41)
    assert registry.storage.tag(repo, "2") is None


def test_containerd_narrowed_to_a_platform(peer_push, make_peer, registry, repo):
    """Also when the registry has the whole index under the tag."""
    peer = make_peer("containerd")
    assert peer_push(peer).digest == id_of(peer)
    child = json.loads(registry.storage.manifest(repo, "1"))["manifests"][0]["digest"]
    done = peer_push(peer, "--platform", "linux/amd64")
    assert_landed(done, registry, repo, "1", child)


def test_first_byte_that_is_late(peer_push, make_peer, registry, repo):
    peer = make_peer("docker20")
    rule = peer.plan.add(at="export", action={"do": "delay", "seconds": 3})
    assert_pushed(peer_push(peer), registry, repo, "1", id_of(peer))
    assert rule.fired


# -- an export that breaks off

EXPORTS = {
    "reset": (cut(90_000), 41, "ended the export after"),
    "closed": (cut(90_000, "fin"), 41, "ended the export after"),
    "ended-politely": (cut(90_000, "end"), 41, "ended the export after"),
    "empty": (cut(0, "end"), 41, "the archive has no end"),
    "disk-full": (fail_inside(90_000, "no space left on device"), 41, "no space left on device"),
    "removed-inside": (remove(90_112), 41, "layer does not exist"),
    "removed-before": (remove(), 40, "has no image"),
    "refused": ({"do": "answer", "status": 500, "body": '{"message": "disk on fire"}'}, 40,
                "disk on fire"),
}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("id", EXPORTS)
def test_export(id, flavour, peer_push, make_peer, registry, repo):
    action, code, words = EXPORTS[id]
    peer = make_peer(flavour)
    action = action if isinstance(action, dict) else {"do": action}
    rule = peer.plan.add(at="export", times=EVER, action=action)
    done = peer_push(peer)
    assert_nothing_left(done, code, registry, repo)
    assert words in done.err and rule.fired, str(done)


def test_the_next_try_lands(peer_push, make_peer, front, registry, repo):
    """With what was sent before the export broke off."""
    peer = make_peer("docker20")
    peer.plan.add(at="export", action={"do": cut(150_000)})
    assert peer_push(peer).code == 41
    assert_pushed(peer_push(peer), registry, repo, "1", id_of(peer))


DAMAGED = {
    "layer": lambda name: name.endswith("layer.tar"),
    "config": lambda name: len(name) == 69,
}


@pytest.mark.parametrize("id", DAMAGED)
def test_bytes_that_are_not_the_image(id, peer_push, make_peer, registry, repo):
    peer = make_peer("docker20")
    archive = peer.images[0].path

    def change(info, data):
        return info, data[:-700] + b"x" + data[-699:] if DAMAGED[id](info.name) and data else data

    archive.write_bytes(archives.rewrite(archive, f"{archive}.new", change).read_bytes())
    done = peer_push(peer)
    assert_nothing_left(done, 41, registry, repo)


# -- an engine that does not answer as one

ANSWERS = {
    "ping-500": ("ping", {"do": "answer", "status": 500, "body": "oops"}, 40),
    "ping-closed": ("ping", {"do": "close"}, 40),
    "ping-html": ("ping", {"do": "answer", "status": 200, "body": "<html>"}, 40),
    "inspect-500": ("inspect", {"do": "answer", "status": 500,
                                "body": '{"message": "disk on fire"}'}, 40),
    "inspect-html": ("inspect", {"do": "answer", "status": 200, "body": "<html>"}, 41),
    "inspect-endless": ("inspect", {"do": "flood", "megabytes": 64}, 41),
    "inspect-cut": ("inspect", {"do": "cut"}, 40),
}


@pytest.mark.parametrize("id", ANSWERS)
def test_answer(id, peer_push, make_peer, registry, repo):
    at, action, code = ANSWERS[id]
    peer = make_peer("docker20")
    peer.plan.add(at=at, times=EVER, action=action)
    done = peer_push(peer)
    assert_nothing_left(done, code, registry, repo)
    assert "engine" in done.err


def test_list_that_fails_is_no_reason(peer_push, make_peer, registry, repo):
    """It only says where bases come from."""
    peer = make_peer("docker20")
    rule = peer.plan.add(at="list", times=EVER, action={"do": "answer", "status": 500, "body": "{}"})
    assert_pushed(peer_push(peer), registry, repo, "1", id_of(peer))
    assert rule.fired


@pytest.mark.parametrize("at", ["ping", "inspect", "export", "inside"])
def test_silence_ends_with_the_timeout(at, peer_push, make_peer, registry, repo):
    peer = make_peer("docker20")
    action = {"do": hang(90_000)} if at == "inside" else {"do": "stall", "seconds": 600}
    peer.plan.add(at="export" if at == "inside" else at, times=EVER, action=action)
    assert_nothing_left(peer_push(peer, "--timeout", "2s"), 31, registry, repo)


def test_interrupted_export(landed, make_peer, front, registry, repo):
    peer = make_peer("docker20")
    peer.plan.add(at="export", action={"do": hang(90_000)})
    running = landed.start("push", f"docker-daemon:{APP}", f"{front.address}/{repo}:1",
                           *landed.credential(), env={"DOCKER_HOST": peer.host})
    for _ in range(600):
        if peer.record.count("GET", "/get"):
            break
        threading.Event().wait(0.05)
    running.signal(signal.SIGTERM)
    assert_nothing_left(running.wait(), 143, registry, repo)


# -- none at all


def test_no_such_image(peer_push, make_peer, registry, repo):
    done = peer_push(make_peer("docker20"), source="docker-daemon:acme/other:1")
    assert_nothing_left(done, 40, registry, repo)
    assert "has no image 'acme/other:1'" in done.err and "docker pull acme/other:1" in done.err


def test_no_engine(peer_push, place, registry, repo):
    done = peer_push(f"unix://{place}/none.sock")
    assert_nothing_left(done, 40, registry, repo)
    assert "DOCKER_HOST" in done.err and "none.sock" in done.err


def test_by_ssh(peer_push, registry, repo):
    done = peer_push("ssh://user@builder")
    assert_nothing_left(done, 2, registry, repo)
    assert "docker save IMAGE | landed push docker-archive:- REF" in done.err


def test_socket_that_we_may_not_use(make_peer, front, place, registry, repo):
    peer, landed = make_peer("docker20"), Landed(place / "home")
    peer.socket.chmod(0o600)
    credential = landed.credential()
    if os.geteuid() == 0:
        landed.binary = shutil.copy(landed.binary, place / "landed")
        for path in (landed.home, *landed.home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        place.chmod(0o755)
    else:
        peer.socket.chmod(0)

    def become_nobody():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    done = landed("push", f"docker-daemon:{APP}", f"{front.address}/{repo}:1", *credential,
                  env={"DOCKER_HOST": peer.host}, before=become_nobody)
    assert_nothing_left(done, 42, registry, repo)
    assert "Permission denied" in done.err and "usermod -aG docker" in done.err


# -- no room here

LIMIT = 1 << 20


@pytest.mark.long
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_room_for_temporary_files(flavour, peer_push, make_peer, place, registry, repo):
    """Layers that do not fit into memory go to TMPDIR."""
    archive = FLAVOURS[flavour].save(place / "big.tar", size=160 << 20)
    done = peer_push(make_peer(flavour, archive), before=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (LIMIT, LIMIT)), timeout=120)
    assert_nothing_left(done, 42, registry, repo)
    assert "TMPDIR" in done.err, str(done)
