"""How layers are compressed: others read them, and they are the layers that they were."""
import gzip
import hashlib
import json
import shutil
import subprocess

import pytest

import archives
import images
from conftest import assert_landed, pull

SIZE = 900_000
GZIP, ZSTD = images.TAR + "+gzip", images.TAR + "+zstd"
DOCKER_GZIP = images.DOCKER_LAYER
WAYS = {"usual": None, "gzip": "gzip", "gzip:1": "gzip:1", "gzip:12": "gzip:12", "zstd": "zstd",
        "zstd:1": "zstd:1", "zstd:19": "zstd:19"}


@pytest.fixture
def packed(landed, registry, repo, tmp_path):
    """packed(WAY): an archive of docker's, pushed; (its manifest, the archive's config)."""
    def push(way, *words):
        archive = archives.classic(tmp_path / "app.tar", size=SIZE)
        if WAYS[way]:
            words += ("--compression", WAYS[way])
        done = landed("push", f"docker-archive:{archive}", f"{registry.address}/{repo}:1",
                      "--cred", "anon", *words)
        assert_landed(done, registry, repo, "1", registry.storage.tag(repo, "1"))
        manifest = json.loads(registry.storage.manifest(repo, "1"))
        config = json.loads(registry.storage.blob_path(manifest["config"]["digest"]).read_bytes())
        return manifest, config

    return push


def plain(path, is_zstd):
    """The layer's tar by the well-known programs, which check what they read."""
    tool = "zstd" if is_zstd else "gzip"
    if not shutil.which(tool):
        pytest.skip(f"optional tool {tool} is not installed")
    words = [tool, "-dcq"] if is_zstd else [tool, "-dc"]
    return subprocess.run(words, stdin=open(path, "rb"), capture_output=True, check=True,
                          timeout=60).stdout


@pytest.mark.parametrize("way", WAYS)
def test_layer_is_its_diff_id(way, packed, registry):
    manifest, config = packed(way)
    is_zstd = way.startswith("zstd")
    kinds = {layer["mediaType"] for layer in manifest["layers"]}
    assert kinds == {ZSTD} if is_zstd else kinds <= {GZIP, DOCKER_GZIP}
    for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        path = registry.storage.blob_path(layer["digest"])
        tar = plain(path, is_zstd)
        assert "sha256:" + hashlib.sha256(tar).hexdigest() == diff_id
        assert is_zstd or gzip.decompress(path.read_bytes()) == tar


@pytest.mark.parametrize("way", WAYS)
def test_skopeo_reads_it(way, packed, registry, repo, tmp_path):
    packed(way)
    assert pull(registry, repo, "1", tmp_path / "pulled") == ""


@pytest.mark.parametrize("way", WAYS)
def test_podman_reads_it(way, packed, registry, repo, podman):
    manifest, _ = packed(way)
    # each way has the same ID: what another one has brought is not looked at again
    podman.podman("image", "rm", "-f", manifest["config"]["digest"], check=False)
    assert podman.pull(f"{registry.address}/{repo}:1") == manifest["config"]["digest"]
    podman.remove(manifest["config"]["digest"])


@pytest.mark.parametrize("way", [way for way in WAYS if not way.startswith("zstd")])
def test_docker_reads_it(way, packed, registry, repo, dockerd):
    manifest, _ = packed(way)
    dockerd.docker("image", "rm", "-f", manifest["config"]["digest"], check=False)
    assert dockerd.pull(f"{registry.address}/{repo}:1") == manifest["config"]["digest"]
    dockerd.remove(manifest["config"]["digest"])


def test_old_docker_does_not_read_zstd(packed, registry, repo, dockerd):
    """As the help of --compression says."""
    if not dockerd.docker("version", "-f", "{{.Server.Version}}").stdout.startswith("20."):
        pytest.skip("optional tool dockerd 20.10 is not installed")
    manifest, _ = packed("zstd")
    dockerd.docker("image", "rm", "-f", manifest["config"]["digest"], check=False)
    done = dockerd.docker("pull", "-q", f"{registry.address}/{repo}:1", check=False)
    assert done.returncode != 0


def test_same_bytes_however_many_at_once(packed, registry, repo):
    first, _ = packed("gzip", "--jobs", "1")
    second, _ = packed("gzip", "--jobs", "8")
    assert first == second


@pytest.mark.parametrize("word", ["", "gzip:0", "gzip:13", "zstd:0", "zstd:20", "zstd:-1", "gzip:x",
                                  "lz4", "GZIP", "gzip:", "gzip:5:5"])
def test_word_that_is_none(word, landed, registry, repo, tmp_path):
    archive = archives.classic(tmp_path / "app.tar", size=1000)
    done = landed("push", f"docker-archive:{archive}", f"{registry.address}/{repo}:1", "--cred",
                  "anon", "--compression", word)
    assert done.code == 2 and "--compression" in done.err, str(done)
    assert registry.storage.tags(repo) == []
