"""landed push IMAGE: from real engines, and what is neither exported nor compressed nor sent.

Every image is of its test's own making: the engines and the registry are shared by the process.
"""
import itertools
import json

import pytest

import archives
import images
from conftest import assert_landed, pull

SIZE = 600_000
seeds = itertools.count(7000)
APP = "acme/app:1"
EXPORTING = "exporting"
NONE = "sha256:" + "0" * 64


@pytest.fixture(params=["docker", "podman"])
def engine(request):
    return request.getfixturevalue({"docker": "dockerd"}.get(request.param, request.param))


@pytest.fixture
def app(tmp_path):
    """app(ENGINE, REF...): an image of three layers, one of them twice, under these names; its ID."""
    def make(engine, *refs, size=SIZE):
        seed = next(seeds)
        name = f"acme/made{seed}:1"
        id = engine.load(archives.classic(tmp_path / f"{seed}.tar", name, size, seed), name)
        engine.tag(name, *refs)
        return id

    return make


@pytest.fixture
def daemon(landed):
    """daemon(ENGINE, words...): a push with the front's usual credential; fresh=True: a runner
    that has never pushed."""
    runners = itertools.count(1)

    def push(engine, *words, fresh=False, **how):
        env = {"DOCKER_HOST": engine.host if hasattr(engine, "host") else engine.url}
        if fresh:
            env["XDG_CACHE_HOME"] = str(landed.home / f"fresh{next(runners)}")
        return landed("push", "-v", *words, *landed.credential(), env=env, **how)

    return push


def assert_pushed(done, registry, repo, tag, id):
    """All of it is there, and it is the image with that ID."""
    assert_landed(done, registry, repo, tag, registry.storage.tag(repo, tag))
    assert config_of(registry, repo, tag) == id


def manifest_of(registry, repo, tag):
    return json.loads(registry.storage.manifest(repo, tag))


def config_of(registry, repo, tag):
    return manifest_of(registry, repo, tag)["config"]["digest"]


def sent(front):
    """How many blobs and manifests the registry was given."""
    return (front.record.count("PUT", "digest=", status=201),
            front.record.count("PUT", "/manifests/"))


def assert_nothing_left(done, code, registry, repo):
    assert done.code == code, str(done)
    assert registry.storage.tags(repo) == []
    assert len([line for line in done.err.splitlines() if line.startswith("landed: ")]) == 1, done.err


# -- there and back


def test_by_name_and_back(engine, daemon, front, registry, repo, app, dockerd, podman, tmp_path):
    ref = f"{front.address}/{repo}:1"
    id = app(engine, ref)
    done = daemon(engine, ref)
    assert_pushed(done, registry, repo, "1", id)
    assert pull(registry, repo, "1", tmp_path / "pulled") == ""
    engine.remove(id)
    for other in (dockerd, podman):
        assert other.pull(f"{registry.address}/{repo}:1") == id


def test_without_a_tag(daemon, front, registry, repo, app, dockerd):
    id = app(dockerd, f"{front.address}/{repo}")
    assert_pushed(daemon(dockerd, f"{front.address}/{repo}"), registry, repo, "latest", id)


def test_imported_and_built(daemon, front, registry, repo, dockerd):
    base, ref = f"acme/base{next(seeds)}", f"{front.address}/{repo}:1"
    dockerd.make(base, images.layer_tar(SIZE, next(seeds)))
    id = dockerd.build(ref, base, {"hello": b"hello"})
    assert_pushed(daemon(dockerd, ref), registry, repo, "1", id)
    dockerd.remove(id)
    assert dockerd.pull(f"{registry.address}/{repo}:1") == id


# -- names


def test_by_id(engine, daemon, front, registry, repo, app):
    id = app(engine)
    hex = id.partition(":")[2]
    for tag, name in (("1", f"acme/none@{id}"), ("2", id), ("3", hex[:12])):
        done = daemon(engine, f"docker-daemon:{name}", f"{front.address}/{repo}:{tag}", fresh=True)
        assert_pushed(done, registry, repo, tag, id)


def test_no_such_image(engine, daemon, front, registry, repo):
    done = daemon(engine, f"{front.address}/{repo}:1")
    assert_nothing_left(done, 40, registry, repo)
    assert "no image" in done.err.lower()


def test_platform_that_is_another(engine, daemon, front, registry, repo, app):
    ref = f"{front.address}/{repo}:1"
    app(engine, ref)
    done = daemon(engine, ref, "--platform", "linux/arm64")
    assert_nothing_left(done, 40, registry, repo)
    assert "linux/amd64" in done.err
    assert daemon(engine, ref, "--platform", "linux/amd64").code == 0


def test_digest_that_is_another(engine, daemon, front, registry, repo, app):
    id = app(engine)
    place = f"{front.address}/{repo}"
    done = daemon(engine, f"docker-daemon:{id}", f"{place}:1@{NONE}")
    assert_nothing_left(done, 11, registry, repo)
    assert front.record.count("PUT", "/manifests/") == 0
    pushed = daemon(engine, f"docker-daemon:{id}", f"{place}:1")
    done = daemon(engine, f"docker-daemon:{id}", f"{place}:2@{pushed.digest}", fresh=True)
    assert_pushed(done, registry, repo, "2", id)


def test_two_repositories_get_one_digest(engine, daemon, front, registry, repo, app):
    """Also when one of them has other blobs of the same layers."""
    id = app(engine)
    refs = [f"{front.address}/{repo}-{n}:1" for n in "ab"]
    assert daemon(engine, f"docker-daemon:{id}", refs[1], "--compression", "gzip:1").code == 0
    done = daemon(engine, f"docker-daemon:{id}", *refs, fresh=True)
    assert done.code == 0, str(done)
    there = {registry.storage.tag(f"{repo}-{n}", "1") for n in "ab"}
    assert there == {done.digest} and done.out.count(done.digest) == 2
    assert [registry.problems(f"{repo}-{n}", "1") for n in "ab"] == [[], []]


# -- what is not done again


@pytest.mark.parametrize("fresh", [False, True], ids=["known-here", "fresh-runner"])
def test_second_push_exports_nothing(fresh, engine, daemon, front, registry, repo, app):
    ref = f"{front.address}/{repo}:1"
    id = app(engine, ref)
    first = daemon(engine, ref)
    assert EXPORTING in first.err, str(first)
    front.record.clear()
    done = daemon(engine, ref, fresh=fresh)
    assert_pushed(done, registry, repo, "1", id)
    assert EXPORTING not in done.err and sent(front) == (0, 0), str(done)
    assert front.record.count("POST", "/uploads") == 0


@pytest.mark.parametrize("fresh", [False, True], ids=["known-here", "fresh-runner"])
def test_another_tag_is_a_manifest(fresh, engine, daemon, front, registry, repo, app):
    ref = f"{front.address}/{repo}"
    id = app(engine, f"{ref}:1", f"{ref}:2")
    first = daemon(engine, f"{ref}:1")
    front.record.clear()
    done = daemon(engine, f"{ref}:2", fresh=fresh)
    assert_pushed(done, registry, repo, "2", id)
    assert done.digest == first.digest
    assert EXPORTING not in done.err and sent(front) == (0, 1), str(done)
    assert front.record.count("POST", "/uploads") == 0


@pytest.mark.parametrize("tag", ["1", "2"], ids=["same-tag", "new-tag"])
@pytest.mark.parametrize("fresh", [False, True], ids=["known-here", "fresh-runner"])
def test_changed_layer_is_sent_alone(fresh, tag, daemon, front, registry, repo, app, dockerd):
    ref = f"{front.address}/{repo}"
    base = app(dockerd, f"{ref}:1")
    assert daemon(dockerd, f"{ref}:1").code == 0
    before = manifest_of(registry, repo, "1")["layers"]
    id = dockerd.build(f"{ref}:{tag}", base, {"changed": b"changed"})
    front.record.clear()
    done = daemon(dockerd, f"{ref}:{tag}", fresh=fresh)
    assert_pushed(done, registry, repo, tag, id)
    after = manifest_of(registry, repo, tag)["layers"]
    assert after[:-1] == before
    assert sent(front) == (2, 1), front.record.lines()


def test_cache_from(engine, daemon, front, registry, repo, app):
    """Of another repository, and nobody was told of it: mounted."""
    id = app(engine)
    other = f"{front.address}/{repo}-other:1"
    assert daemon(engine, f"docker-daemon:{id}", other).code == 0
    front.record.clear()
    done = daemon(engine, f"docker-daemon:{id}", f"{front.address}/{repo}:1", "--cache-from", other,
                  fresh=True)
    assert_pushed(done, registry, repo, "1", id)
    layers = {d["digest"] for d in manifest_of(registry, repo, "1")["layers"]}
    assert front.record.count("POST", "mount=", status=201) >= len(layers)
    assert sent(front)[0] <= 1, front.record.lines()       # the config


def test_cache_that_is_not_there(daemon, front, registry, repo, app, dockerd):
    ref = f"{front.address}/{repo}:1"
    id = app(dockerd, ref)
    done = daemon(dockerd, ref, "--cache-from", f"{front.address}/{repo}-none:1", "--cache-from",
                  "127.0.0.1:1/acme/none:1")
    assert_pushed(done, registry, repo, "1", id)


def test_base_is_mounted(daemon, make_front, registry, repo, app, dockerd):
    """The engine has the base from another repository of the same registry."""
    front = make_front("pass", "none", secret=None)
    base = f"{front.address}/{repo}-base:1"
    id = app(dockerd, base)
    dockerd.docker("push", base)
    dockerd.remove(id)
    assert dockerd.pull(base) == id
    front.record.clear()
    ref = f"{front.address}/{repo}:1"
    built = dockerd.build(ref, base, {"changed": b"changed"})
    done = daemon(dockerd, ref, fresh=True)
    assert_pushed(done, registry, repo, "1", built)
    layers = [d["digest"] for d in manifest_of(registry, repo, "1")["layers"]]
    assert layers[:-1] == [d["digest"] for d in manifest_of(registry, f"{repo}-base", "1")["layers"]]
    assert front.record.count("POST", "mount=", status=201) == len(set(layers[:-1]))
    assert sent(front) == (2, 1), front.record.lines()


# -- registries that are not what they say


@pytest.mark.parametrize("times", [1, 4, 0], ids=["once", "four-times", "for-ever"])
def test_adopted_layer_that_is_not_there(times, daemon, front, registry, repo, app, dockerd):
    """HEAD says 200, the manifest is refused: the layer is packed here after all."""
    ref = f"{front.address}/{repo}"
    id = app(dockerd, f"{ref}:1", f"{ref}:2")
    built = dockerd.build(f"{ref}:2", id, {"changed": b"changed"})
    assert daemon(dockerd, f"{ref}:1").code == 0
    lost = manifest_of(registry, repo, "1")["layers"][1]
    assert registry.delete_blob(repo, lost["digest"]) == 202
    front.sizes = {lost["digest"]: lost["size"]}
    rule = front.plan.add(at="head-blob", path=lost["digest"], times=times, action={"do": "vouch"})
    done = daemon(dockerd, f"{ref}:2", fresh=True)
    assert_pushed(done, registry, repo, "2", built)
    assert rule.fired


# -- tokens


@pytest.mark.parametrize("life", [1, 2])
def test_tokens_that_live_for_seconds(life, engine, daemon, make_front, registry, repo, app):
    front = make_front(life=life, rate=1_500_000)
    ref = f"{front.address}/{repo}:1"
    id = app(engine, ref, size=6_000_000)
    assert_pushed(daemon(engine, ref), registry, repo, "1", id)
    assert len({e["token"] for e in front.record.where() if e["token"]}) > 2
