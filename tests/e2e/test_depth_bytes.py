"""--depth bytes: each layer, unpacked, is what the image's config says at its place."""
import gzip
import json
import shutil
import subprocess

import pytest

import archives
import images
from conftest import assert_landed

TAR, OTHER = images.layer_tar(50_000, 8101), images.layer_tar(60_000, 8102)
OCTETS = "application/octet-stream"
BYTES = ("--cred", "anon", "--depth", "bytes")
LOT = 300 * (gzip.compress(bytes(64 << 20), mtime=0))     # 300 members: 20 GB
OUT_OF_TIME, CORRUPT = 31, 41


def zstd(data):
    if not shutil.which("zstd"):
        pytest.skip("optional tool zstd is not installed")
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


@pytest.fixture
def put(registry, repo):
    """put(LAYERS, DIFF_IDS): an image by hand, whatever its config says; LAYERS: (bytes, media type)."""
    def make(layers, diff_ids, tag="1", config_type=images.CONFIG):
        config = images.dump({"architecture": "amd64", "os": "linux",
                              "rootfs": {"type": "layers", "diff_ids": diff_ids}})
        for data in (config, *(data for data, _ in layers)):
            assert registry.put_blob(repo, data, images.digest_of(data)) == 201
        manifest = images.dump(
            {"schemaVersion": 2, "mediaType": images.MANIFEST,
             "config": described(config, config_type),
             "layers": [described(*layer) for layer in layers]})
        assert registry.put_manifest(repo, tag, manifest, images.MANIFEST) == 201
        return f"{registry.address}/{repo}:{tag}"

    return make


def described(data, kind):
    return {"mediaType": kind, "digest": images.digest_of(data), "size": len(data)}


def test_layer_that_is_not_what_the_config_says(put, landed):
    base, top = images.gzipped(TAR), images.gzipped(OTHER)
    lie = images.digest_of(b"what nobody has")
    ref = put([(base, images.TAR + "+gzip"), (top, images.TAR + "+gzip")],
              [images.digest_of(TAR), lie])
    assert landed("verify", ref, "--cred", "anon").code == 0
    done = landed("verify", ref, *BYTES)
    assert done.code == CORRUPT and "layers[1]" in done.err, str(done)
    for word in (images.digest_of(top), images.digest_of(OTHER), lie):
        assert word in done.err


def test_layer_that_cannot_be_unpacked(put, landed):
    short = images.gzipped(TAR)[:-100]
    ref = put([(short, images.TAR + "+gzip")], [images.digest_of(TAR)])
    done = landed("verify", ref, *BYTES)
    assert done.code == CORRUPT and images.digest_of(short) in done.err, str(done)
    assert "cut short" in done.err


@pytest.mark.parametrize("pack, kind", [(bytes, ""), (images.gzipped, "+gzip"), (zstd, "+zstd"),
                                        (images.gzipped, "+zstd")])
def test_layers_that_are(pack, kind, put, landed):
    layers = [(pack(tar), images.TAR + kind) for tar in (TAR, OTHER, TAR)]
    ref = put(layers, [images.digest_of(tar) for tar in (TAR, OTHER, TAR)])
    done = landed("verify", ref, *BYTES, "-o", "json")
    assert done.code == 0, str(done)
    assert json.loads(done.out)["proof"]["diffIds"] == 3


LIE = [images.digest_of(b"another")]
NOT_CLAIMED = {
    "more-diff-ids": (images.TAR + "+gzip", LIE * 2, images.CONFIG),
    "no-diff-ids": (images.TAR + "+gzip", [], images.CONFIG),
    "no-tar": (OCTETS, LIE, images.CONFIG),
    "no-image": (images.TAR + "+gzip", LIE, OCTETS),
}


@pytest.mark.parametrize("id", NOT_CLAIMED)
def test_nothing_is_claimed(id, put, landed):
    kind, diff_ids, config_type = NOT_CLAIMED[id]
    ref = put([(images.gzipped(TAR), kind)], diff_ids, config_type=config_type)
    done = landed("verify", ref, *BYTES, "-o", "json")
    assert done.code == 0, str(done)
    assert json.loads(done.out)["proof"]["diffIds"] == 0


def test_layer_that_unpacks_to_a_lot(put, landed):
    ref = put([(LOT, images.TAR + "+gzip")], LIE)
    assert landed("verify", ref, *BYTES, "--timeout", "2s").code == OUT_OF_TIME


@pytest.mark.parametrize("same_config", [True, False], ids=["whole-image", "its-layers"])
def test_adopted_layer_that_is_another(same_config, landed, registry, repo, tmp_path):
    """The tag is on an image with our diff IDs, in whose manifest two layers have changed places."""
    source = f"docker-archive:{archives.classic(tmp_path / 'app.tar', size=300_000)}"
    ref = f"{registry.address}/{repo}:1"
    assert landed("push", source, ref, "--cred", "anon").code == 0
    right = registry.storage.tag(repo, "1")
    manifest = json.loads(registry.storage.manifest(repo, "1"))
    config = json.loads(registry.storage.blob_path(manifest["config"]["digest"]).read_bytes())
    one, other = list({layer["digest"]: layer for layer in manifest["layers"]}.values())[:2]
    manifest["layers"] = [{one["digest"]: other, other["digest"]: one}.get(layer["digest"], layer)
                          for layer in manifest["layers"]]
    if not same_config:
        data = images.dump(config | {"author": "somebody"})
        registry.put_blob(repo, data, images.digest_of(data))
        manifest["config"] = described(data, manifest["config"]["mediaType"])
    assert registry.put_manifest(repo, "1", images.dump(manifest), manifest["mediaType"]) == 201
    done = landed("push", source, ref, *BYTES, env={"XDG_CACHE_HOME": str(tmp_path / "fresh")})
    assert_landed(done, registry, repo, "1", right)
