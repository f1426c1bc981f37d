"""Images to push: OCI layouts of every kind that occurs, small or as big as asked, and broken ones.

Everything is a function of its arguments (layers come from a seeded generator), so that two tests
that ask for the same image get the same digests.
"""
import gzip
import hashlib
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
REF_NAME = "org.opencontainers.image.ref.name"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(document):
    return json.dumps(document, indent=1).encode()


def layer_tar(size, seed):
    """A real tar of about SIZE bytes that does not compress away."""
    rng = random.Random(seed)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo(f"layer{seed}/")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        left, number = size, 0
        while left > 0:
            data = rng.randbytes(min(left, 1 << 20))
            info = tarfile.TarInfo(f"layer{seed}/file{number}")
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
            left, number = left - len(data), number + 1
    return out.getvalue()


def gzipped(data):
    return gzip.compress(data, compresslevel=1, mtime=0)


@dataclass
class Layer:
    data: bytes                    # as it travels
    kind: str
    diff_id: str                   # digest of the uncompressed tar
    tar: bytes = b""
    urls: list = field(default_factory=list)

    def descriptor(self):
        d = {"mediaType": self.kind, "digest": digest_of(self.data), "size": len(self.data)}
        return d | {"urls": self.urls} if self.urls else d


def make_layer(size, seed, kind=TAR + "+gzip", urls=()):
    tar = layer_tar(size, seed)
    # zstd is not in the standard library; a registry takes a layer's media type on trust
    data = tar if kind.endswith("tar") else gzipped(tar)
    return Layer(data, kind, digest_of(tar), tar, list(urls))


class Layout:
    """An OCI layout under PATH, filled piece by piece."""

    def __init__(self, path):
        self.path = Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.entries = []

    def blob_path(self, digest):
        return self.path / "blobs" / digest.replace(":", "/", 1)

    def add_blob(self, data):
        digest = digest_of(data)
        self.blob_path(digest).write_bytes(data)
        return digest

    def add_document(self, document, kind=None):
        data = dump(document)
        kind = kind or document["mediaType"]
        return {"mediaType": kind, "digest": self.add_blob(data), "size": len(data)}

    def add_image(self, layers, platform=("linux", "amd64"), docker=False, **config):
        """Descriptor of a manifest with these layers; not yet in the index."""
        for layer in layers:
            if not layer.urls:
                self.add_blob(layer.data)
        os, architecture = platform
        config = self.add_document(
            {"architecture": architecture, "os": os, "created": "2024-01-01T00:00:00Z",
             "config": {"Cmd": ["/bin/true"]} | config,
             "rootfs": {"type": "layers", "diff_ids": [l.diff_id for l in layers]}},
            DOCKER_CONFIG if docker else CONFIG)
        return self.add_document(
            {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST if docker else MANIFEST,
             "config": config, "layers": [l.descriptor() for l in layers]})

    def add_index(self, children):
        return self.add_document({"schemaVersion": 2, "mediaType": INDEX, "manifests": children})

    def name(self, descriptor, ref="latest"):
        """Put it in index.json under REF (None: without a name)."""
        notes = {"annotations": {REF_NAME: ref}} if ref else {}
        self.entries.append(descriptor | notes)
        (self.path / "index.json").write_bytes(dump(
            {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries}))
        self.digest = descriptor["digest"]
        return self

    # looking inside

    def manifest(self, digest=None):
        return json.loads(self.blob_path(digest or self.digest).read_bytes())

    def blobs(self, digest=None):
        """Digests of every distinct config and layer that has to travel."""
        manifest = self.manifest(digest)
        if "manifests" in manifest:
            return set().union(*(self.blobs(c["digest"]) for c in manifest["manifests"]))
        return {b["digest"] for b in [manifest["config"], *manifest["layers"]]
                if not b.get("urls")}

    def sizes(self):
        """{digest: bytes} of every blob that has to travel."""
        return {digest: self.blob_path(digest).stat().st_size for digest in self.blobs()}

    def source(self, ref=None):
        return f"oci:{self.path}" + (f":{ref}" if ref else "")


def sizes(total, layers):
    return [total // layers] * layers


def single(path, size=1 << 20, layers=3, seed=1, docker=False):
    layout = Layout(path)
    made = [make_layer(s, seed * 100 + i, DOCKER_LAYER if docker else TAR + "+gzip")
            for i, s in enumerate(sizes(size, layers))]
    return layout.name(layout.add_image(made, docker=docker))


def multi(path, size=1 << 20, seed=2, attestations=False,
          platforms=(("linux", "amd64"), ("linux", "arm64"))):
    """An index; the first layer is shared by all platforms."""
    layout = Layout(path)
    shared = make_layer(size // 4, seed * 100)
    children = []
    for i, (os, architecture) in enumerate(platforms, 1):
        own = make_layer(size // 4, seed * 100 + i)
        child = layout.add_image([shared, own], (os, architecture))
        children.append(child | {"platform": {"os": os, "architecture": architecture}})
    if attestations:
        children += [attestation(layout, child) for child in list(children)]
    return layout.name(layout.add_index(children))


def attestation(layout, child):
    """What buildx adds for each platform: a manifest of unknown/unknown with an in-toto layer."""
    statement = dump({"_type": "https://in-toto.io/Statement/v0.1", "subject": child["digest"]})
    layer = Layer(statement, "application/vnd.in-toto+json", digest_of(statement))
    made = layout.add_image([layer], ("unknown", "unknown"))
    return made | {"platform": {"os": "unknown", "architecture": "unknown"},
                   "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                                   "vnd.docker.reference.digest": child["digest"]}}


def foreign(path, seed=3):
    layout = Layout(path)
    far = make_layer(1000, seed * 100, FOREIGN, ["https://layers.invalid/base.tar.gz"])
    return layout.name(layout.add_image([far, make_layer(100_000, seed * 100 + 1)]))


def duplicates(path, seed=4):
    """The same layer three times, as an empty RUN makes it."""
    layout = Layout(path)
    twin, other = make_layer(100_000, seed * 100), make_layer(100_000, seed * 100 + 1)
    return layout.name(layout.add_image([twin, other, twin, twin]))


def zstd_types(path, seed=5):
    layout = Layout(path)
    return layout.name(layout.add_image(
        [make_layer(100_000, seed * 100 + i, TAR + "+zstd") for i in range(2)]))


def empty_layer(path, seed=6):
    """A layer of a tar without members, next to a normal one."""
    layout = Layout(path)
    empty = bytes(1024)
    nothing = Layer(gzipped(empty), TAR + "+gzip", digest_of(empty), empty)
    return layout.name(layout.add_image([nothing, make_layer(50_000, seed * 100)]))
