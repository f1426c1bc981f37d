"""This machine's own faults: sources that change, full disks, set clocks, a second push."""
import ctypes
import os
import resource
import subprocess
import threading

import pytest

import archives
import images
from conftest import ROOT, assert_landed, assert_told_once

# -- the source


def flip_the_end(path):
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def grow(path):
    with open(path, "ab") as file:
        file.write(b"more")


def replace(path):
    other = path.with_name("new")
    other.write_bytes(bytes(path.stat().st_size))
    other.rename(path)


CHANGES = {"flipped": (flip_the_end, 41), "cut": (cut, 41), "grown": (grow, 41),
           "removed": (lambda path: path.unlink(), 41), "replaced": (replace, 41)}


def last_layer(image):
    return image.manifest()["layers"][-1]["digest"]


@pytest.mark.parametrize("how", CHANGES)
def test_source_that_changes_before_a_layer_is_read(how, landed, front, registry, repo, image):
    change, code = CHANGES[how]
    lost = last_layer(image)
    front.plan.add(at="post", id="change", action={"do": lambda exchange: (
        change(image.blob_path(lost)), exchange.proceed())})
    done = landed.push(image.source(), f"{front.address}/{repo}:1", "--jobs", "1")
    assert done.code == code and lost in done.err, str(done)
    assert registry.storage.tag(repo, "1") is None
    assert lost not in registry.storage.layers(repo)
    assert_told_once(done)


WHILE = {"oci-flipped": 41, "oci-cut": 41, "oci-grown": 41, "oci-removed": 0, "oci-replaced": 0,
         "oci-archive-cut": 41, "oci-archive-removed": 0, "oci-archive-replaced": 0}


@pytest.mark.parametrize("id", WHILE)
def test_source_that_changes_while_a_layer_is_read(id, landed, front, registry, repo, tmp_path):
    """A file that is open stays what it was when only its name goes."""
    form, _, how = id.rpartition("-")
    made = images.single(tmp_path / "layout", size=16 << 20, layers=1)
    archive = archives.from_layout(tmp_path / "image.tar", made)
    path = made.blob_path(last_layer(made)) if form == "oci" else archive

    def change(exchange):
        begun = b""
        while len(begun) < 1 << 20:
            begun += exchange.read()
        CHANGES[how][0](path)
        exchange.relay(exchange.obtain(body=begun + exchange.read_all()))

    front.plan.add(at="patch", id="change", action={"do": change}, when=lambda x: (
        x.body.length or 0) > 1 << 20)
    source = made.source() if form == "oci" else f"oci-archive:{archive}"
    done = landed.push(source, f"{front.address}/{repo}:1")
    assert done.code == WHILE[id], str(done)
    assert registry.whole(repo, "1") == (done.code == 0)


def without_override():
    """Root may read everything; give that up, as far as it is ours to give."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for capability in (1, 2):                # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        prctl(24, capability, 0, 0, 0)       # PR_CAPBSET_DROP: gone at the next exec


@pytest.mark.parametrize("what", ["layer", "index", "directory"])
def test_source_without_permission(what, landed, front, registry, repo, image):
    path = {"layer": image.blob_path(last_layer(image)), "index": image.path / "index.json",
            "directory": image.path}[what]
    path.chmod(0)
    try:
        done = landed.push(image.source(), f"{front.address}/{repo}:1", before=without_override)
    finally:
        path.chmod(0o700)
    assert done.code == 42 and "ermission denied" in done.err, str(done)
    assert registry.storage.tag(repo, "1") is None
    assert_told_once(done)


# -- a full disk


def files_of_at_most(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("packed", [False, True])
def test_disk_full_for_the_spool(packed, landed, front, registry, repo, tmp_path):
    """What comes through a pipe is kept in a temporary file."""
    path = archives.classic(tmp_path / "image.tar", size=2 << 20)
    if packed:
        subprocess.run(["gzip", "-1", path], check=True)
        path = path.with_name("image.tar.gz")
    with open(path, "rb") as pipe:
        done = landed.push("docker-archive:-", f"{front.address}/{repo}:1", stdin=pipe,
                           before=files_of_at_most(200_000))
    assert done.code == 42 and "TMPDIR" in done.err, str(done)
    assert front.record.count("POST") == 0
    assert_told_once(done)


@pytest.mark.parametrize("option", ["--receipt", "--digest-file", "--metadata-file"])
def test_disk_full_for_what_is_written_at_the_end(option, landed, front, registry, repo, image):
    """Landed, but not reported where it was asked for: 3, and the digest all the same."""
    done = landed.push(image.source(), f"{front.address}/{repo}:1", option, "/dev/full")
    assert done.code == 3 and image.digest in done.out + done.err, str(done)
    assert registry.whole(repo, "1")


def test_stdout_that_is_closed(landed, front, registry, repo, image):
    """`landed push ... >&-`"""
    done = landed.push(image.source(), f"{front.address}/{repo}:1", before=lambda: os.close(1))
    assert done.code == 3, str(done)
    assert registry.whole(repo, "1")


# -- the clock


@pytest.fixture(scope="session")
def wall_clock(tmp_path_factory):
    library = tmp_path_factory.mktemp("clock") / "wall_clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, ROOT / "tests/peers/wall_clock.c"],
                   check=True)
    return library


DAY_S = 86400


@pytest.mark.parametrize("place", ["post", "commit"])
@pytest.mark.parametrize("steps", [[-DAY_S], [DAY_S], [DAY_S, -DAY_S]],
                         ids=["back", "forward", "both"])
def test_clock_that_is_set(steps, place, wall_clock, landed, make_front, registry, repo, tmp_path):
    """Tokens of two seconds, a push that needs several, and somebody sets the clock meanwhile."""
    made = images.single(tmp_path / "layout", size=1_500_000, layers=5)
    front = make_front(life=2, rate=400_000)
    setting = tmp_path / "setting"
    setting.write_text("0")
    left = list(steps)

    def step(exchange):
        setting.write_text(str(left.pop(0)))
        exchange.proceed()

    front.plan.add(at=place, times=len(steps), id="set", action={"do": step})
    env = {"LD_PRELOAD": str(wall_clock), "WALL_CLOCK": str(setting),
           "ASAN_OPTIONS": landed.env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    done = landed.push(made.source(), f"{front.address}/{repo}:1", "-v", env=env)
    assert_landed(done, registry, repo, "1", made.digest)
    assert setting.read_text() != "0"
    assert 2 <= len(front.gate.issued) <= 40, "a clock that was set makes no token older or younger"


# -- two at once


def push_beside(landed, front, repo, *sources):
    running = [landed.start("push", source, f"{front.address}/{repo}:1", *landed.credential())
               for source in sources]
    return [one.wait() for one in running]


@pytest.mark.parametrize("time", range(3))
def test_two_pushes_of_one_image(time, landed, front, registry, repo, image):
    for done in push_beside(landed, front, repo, image.source(), image.source()):
        assert_landed(done, registry, repo, "1", image.digest)


@pytest.mark.parametrize("time", range(3))
def test_two_pushes_of_two_images_to_one_tag(time, landed, front, registry, repo, image, tmp_path):
    """One of them is under the tag in the end.  The other one landed before it, or says who did."""
    other = images.single(tmp_path / "other", size=600_000, seed=7)
    first, second = push_beside(landed, front, repo, image.source(), other.source())
    last = registry.storage.tag(repo, "1")
    assert last in (image.digest, other.digest) and registry.whole(repo, "1")
    for done, own in ((first, image), (second, other)):
        assert done.code in (0, 11), str(done)
        assert done.code == 0 or (own.digest in done.err and last in done.err), str(done)
    assert (first if last == image.digest else second).code == 0, f"{first}\n{second}"


@pytest.mark.parametrize("before", [False, True], ids=["new", "moved"])
def test_another_push_between_ours_and_its_proof(before, landed, front, registry, repo, image,
                                                 tmp_path):
    """Ours waits at the tag until the other one is through: not overwritten, named, exit 11."""
    other = images.single(tmp_path / "other", size=60_000, seed=7)
    if before:
        old = images.single(tmp_path / "old", size=60_000, seed=8)
        assert landed.push(old.source(), f"{front.address}/{repo}:1").code == 0
        front.record.clear()
    through = threading.Event()

    def let_it_pass(exchange):
        reply = exchange.obtain()
        reply.held()
        through.wait(20)
        exchange.relay(reply)

    front.plan.add(at="put-tag", id="wait", action={"do": let_it_pass})
    ours = landed.start("push", image.source(), f"{front.address}/{repo}:1", *landed.credential())
    while not front.record.count("PUT", "/manifests/1") and ours.process.poll() is None:
        front.wait(0.02)
    theirs = landed.push(other.source(), f"{front.address}/{repo}:1")
    through.set()
    done = ours.wait()
    assert theirs.code == 0, str(theirs)
    assert done.code == 11 and image.digest in done.err and other.digest in done.err, str(done)
    assert registry.storage.tag(repo, "1") == other.digest
