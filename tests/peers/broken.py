"""Sources that are wrong, each in one way.  Every function takes a fresh folder and gives a SOURCE
argument for `landed push`; the table at the end is what tests run over."""
import json
import shutil
import tarfile

import archives
import images


def layout(folder):
    return images.single(folder / "layout", size=60_000, layers=2)


def layer_path(made):
    return made.blob_path(made.manifest()["layers"][0]["digest"])


def flipped_byte(folder):
    made = layout(folder)
    data = bytearray(layer_path(made).read_bytes())
    data[len(data) // 2] ^= 1
    layer_path(made).write_bytes(data)
    return made.source()


def shrunk_blob(folder):
    made = layout(folder)
    layer_path(made).write_bytes(layer_path(made).read_bytes()[:-100])
    return made.source()


def grown_blob(folder):
    made = layout(folder)
    layer_path(made).write_bytes(layer_path(made).read_bytes() + b"more")
    return made.source()


def missing_blob(folder):
    made = layout(folder)
    layer_path(made).unlink()
    return made.source()


def flipped_config(folder):
    made = layout(folder)
    path = made.blob_path(made.manifest()["config"]["digest"])
    path.write_bytes(path.read_bytes().replace(b"amd64", b"arm64"))
    return made.source()


def flipped_manifest(folder):
    made = layout(folder)
    path = made.blob_path(made.digest)
    path.write_bytes(path.read_bytes() + b" ")
    return made.source()


def missing_manifest(folder):
    made = layout(folder)
    made.blob_path(made.digest).unlink()
    return made.source()


def in_layout(name, text):
    """A layout whose file NAME holds TEXT (None: is absent)."""
    def make(folder):
        made = layout(folder)
        (made.path / name).unlink()
        if text is not None:
            (made.path / name).write_text(text)
        return made.source()
    return make


def as_manifest(document):
    """A layout whose manifest is this (bytes, or a document), digest and size right."""
    def make(folder):
        made = images.Layout(folder / "layout")
        data = document if isinstance(document, bytes) else images.dump(document)
        digest = made.add_blob(data)
        made.name({"mediaType": images.MANIFEST, "digest": digest, "size": len(data)})
        return made.source()
    return make


def with_layer(**change):
    """A layout whose first layer's descriptor is changed."""
    def make(folder):
        made = layout(folder)
        manifest = made.manifest()
        manifest["layers"][0] |= change
        made.entries.clear()
        made.name(made.add_document(manifest))
        return made.source()
    return make


def child_missing(folder):
    made = images.multi(folder / "layout", size=40_000)
    made.blob_path(made.manifest()["manifests"][1]["digest"]).unlink()
    return made.source()


def index_of_itself(folder):
    """An index deeper than any honest one: forty indexes, each in the next."""
    made = layout(folder)
    inner = made.entries[0]
    for _ in range(40):
        inner = made.add_index([{k: inner[k] for k in ("mediaType", "digest", "size")}])
    made.entries.clear()
    made.name(inner)
    return made.source()


def symlinked_blob(folder):
    """A blob that is a link to a file outside: reading it would send a file nobody named."""
    made = layout(folder)
    outside = folder / "outside"
    outside.write_bytes(b"somebody's secret")
    layer_path(made).unlink()
    layer_path(made).symlink_to(outside)
    return made.source()


def archive_with(change, form=archives.classic):
    def make(folder):
        good = form(folder / "good.tar", size=60_000)
        archives.rewrite(good, folder / "bad.tar", change)
        return f"docker-archive:{folder / 'bad.tar'}"
    return make


def replaced(name, data):
    return lambda info, old: (info, data) if info.name == name else (info, old)


def without(name):
    return lambda info, old: None if info.name == name else (info, old)


def rewritten_manifest(edit):
    """manifest.json of a docker-archive, edited in place."""
    def change(info, data):
        if info.name != "manifest.json":
            return info, data
        document = json.loads(data)
        edit(document)
        return info, json.dumps(document).encode()
    return archive_with(change)


def archive_layer_missing(folder):
    good = archives.classic(folder / "good.tar", size=60_000, shared=False)
    name = archives.manifest_json(good)[0]["Layers"][1]
    archives.rewrite(good, folder / "bad.tar", without(name))
    return f"docker-archive:{folder / 'bad.tar'}"


def archive_layer_flipped(folder):
    """The layer is not what the config's diff_ids say."""
    good = archives.classic(folder / "good.tar", size=60_000, shared=False)
    name = archives.manifest_json(good)[0]["Layers"][1]
    archives.rewrite(good, folder / "bad.tar",
                     lambda i, d: (i, d[:2000] + b"X" + d[2001:]) if i.name == name else (i, d))
    return f"docker-archive:{folder / 'bad.tar'}"


def archive_link_outside(folder):
    """A layer that is a link to a file of the machine."""
    good = archives.classic(folder / "good.tar", size=60_000, shared=False)
    name = archives.manifest_json(good)[0]["Layers"][1]

    def change(info, data):
        if info.name == name:
            info.type, info.linkname = tarfile.SYMTYPE, "../../../../../../etc/passwd"
        return info, data if info.isfile() else b""
    archives.rewrite(good, folder / "bad.tar", change)
    return f"docker-archive:{folder / 'bad.tar'}"


def archive_link_loop(folder):
    good = archives.classic(folder / "good.tar", size=60_000, shared=False)
    name = archives.manifest_json(good)[0]["Layers"][1]

    def change(info, data):
        if info.name == name:
            info.type, info.linkname = tarfile.SYMTYPE, "layer.tar"
        return info, data if info.isfile() else b""
    archives.rewrite(good, folder / "bad.tar", change)
    return f"docker-archive:{folder / 'bad.tar'}"


def truncated(form, kind, part):
    """An archive of which only a PART (0..1) is there."""
    def make(folder):
        if kind == "oci-archive":
            good = archives.from_layout(folder / "good.tar", layout(folder))
        else:
            good = form(folder / "good.tar", size=60_000)
        data = good.read_bytes()
        (folder / "bad.tar").write_bytes(data[:int(len(data) * part)])
        return f"{kind}:{folder / 'bad.tar'}"
    return make


def bytes_as(kind, data):
    def make(folder):
        (folder / "bad.tar").write_bytes(data)
        return f"{kind}:{folder / 'bad.tar'}"
    return make


def oci_archive_traversal(folder):
    """A member that would be written outside, if anybody unpacked it."""
    made = layout(folder)
    digest = made.manifest()["layers"][0]["digest"]
    archives.from_layout(folder / "good.tar", made)
    place = "blobs/" + digest.replace(":", "/")

    def change(info, data):
        if info.name == place:
            info.name = "../../../" + place
        return info, data
    archives.rewrite(folder / "good.tar", folder / "bad.tar", change)
    shutil.rmtree(made.path)
    return f"oci-archive:{folder / 'bad.tar'}"


def nothing_there(kind):
    return lambda folder: f"{kind}:{folder / 'absent'}"


EMPTY_TAR = bytes(10240)
GOOD_CONFIG = {"mediaType": images.CONFIG, "digest": "sha256:" + "0" * 64, "size": 2}
EVIL = "sha256:../../../../../../etc/passwd"

# name -> (maker, exit codes): 40 source not found, 41 source corrupt; both are true of a place where
# there is no image at all
NO_IMAGE = (40, 41)
SOURCES = {
    "layout-absent": (nothing_there("oci"), 40),
    "oci-archive-absent": (nothing_there("oci-archive"), 40),
    "docker-archive-absent": (nothing_there("docker-archive"), 40),
    "blob-flipped-byte": (flipped_byte, 41),
    "blob-shrunk": (shrunk_blob, 41),
    "blob-grown": (grown_blob, 41),
    "blob-missing": (missing_blob, 41),
    "blob-symlink-outside": (symlinked_blob, 41),
    "config-flipped": (flipped_config, 41),
    "manifest-flipped": (flipped_manifest, 41),
    "manifest-missing": (missing_manifest, 41),
    "manifest-not-json": (as_manifest(b"{not json"), 41),
    "manifest-empty": (as_manifest(b""), 41),
    "manifest-array": (as_manifest([]), 41),
    "manifest-no-layers": (as_manifest({"schemaVersion": 2, "config": GOOD_CONFIG}), 41),
    "manifest-layers-object": (as_manifest({"schemaVersion": 2, "config": GOOD_CONFIG,
                                            "layers": {}}), 41),
    "manifest-no-config": (as_manifest({"schemaVersion": 2, "layers": []}), 41),
    "manifest-schema1": (as_manifest({"schemaVersion": 1, "name": "x", "fsLayers": []}), 41),
    "manifest-deep": (as_manifest(b"[" * 100_000), 41),
    "layer-digest-traversal": (with_layer(digest=EVIL), 41),
    "layer-digest-empty": (with_layer(digest=""), 41),
    "layer-digest-md5": (with_layer(digest="md5:" + "0" * 32), 41),
    "layer-digest-upper": (with_layer(digest="sha256:" + "A" * 64), 41),
    "layer-size-negative": (with_layer(size=-1), 41),
    "layer-size-string": (with_layer(size="12"), 41),
    "layer-size-wrong": (with_layer(size=7), 41),
    "layer-size-huge": (with_layer(size=1 << 62), 41),
    "index-child-missing": (child_missing, 41),
    "index-too-deep": (index_of_itself, 41),
    "layout-no-index": (in_layout("index.json", None), NO_IMAGE),
    "layout-index-not-json": (in_layout("index.json", "<html>"), 41),
    "layout-index-empty": (in_layout("index.json", '{"schemaVersion":2,"manifests":[]}'), NO_IMAGE),
    "layout-no-marker": (in_layout("oci-layout", None), NO_IMAGE),
    "layout-marker-version": (in_layout("oci-layout", '{"imageLayoutVersion":"9.0.0"}'), 41),
    "archive-not-tar": (bytes_as("docker-archive", b"this is not a tar\n" * 100), 41),
    "archive-empty-file": (bytes_as("docker-archive", b""), 41),
    "archive-empty-tar": (bytes_as("docker-archive", EMPTY_TAR), NO_IMAGE),
    "archive-gzip-garbage": (bytes_as("docker-archive", b"\x1f\x8b\x08\x00" + b"\xff" * 500), 41),
    "archive-cut-middle": (truncated(archives.classic, "docker-archive", 0.5), 41),
    "archive-cut-late": (truncated(archives.classic, "docker-archive", 0.8), 41),
    "archive-modern-cut": (truncated(archives.modern, "docker-archive", 0.5), 41),
    "archive-no-manifest": (archive_with(without("manifest.json")), NO_IMAGE),
    "archive-manifest-not-json": (archive_with(replaced("manifest.json", b"[{")), 41),
    "archive-manifest-empty": (archive_with(replaced("manifest.json", b"[]")), NO_IMAGE),
    "archive-config-name-outside": (rewritten_manifest(
        lambda d: d[0].update(Config="../../../../etc/passwd")), 41),
    "archive-config-absent": (rewritten_manifest(lambda d: d[0].update(Config="no.json")), 41),
    "archive-layers-string": (rewritten_manifest(lambda d: d[0].update(Layers="x")), 41),
    "archive-layer-too-few": (rewritten_manifest(lambda d: d[0]["Layers"].pop()), 41),
    "archive-layer-missing": (archive_layer_missing, 41),
    "archive-layer-flipped": (archive_layer_flipped, 41),
    "archive-layer-link-outside": (archive_link_outside, 41),
    "archive-layer-link-loop": (archive_link_loop, 41),
    "oci-archive-cut": (truncated(None, "oci-archive", 0.5), 41),
    "oci-archive-empty-tar": (bytes_as("oci-archive", EMPTY_TAR), NO_IMAGE),
    "oci-archive-traversal": (oci_archive_traversal, 41),
}
