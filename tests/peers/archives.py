"""Archives as docker, podman and skopeo write them: oci-archive, three forms of docker-archive."""
import io
import json
import tarfile
from pathlib import Path

import images


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    tar.addfile(info, io.BytesIO(data))


def add_link(tar, name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    tar.addfile(info)


def from_layout(path, layout):
    """oci-archive: the layout in a tar, in the sorted order of a directory walk."""
    with tarfile.open(path, "w") as tar:
        for file in sorted(p for p in layout.path.rglob("*") if p.is_file()):
            tar.add(file, str(file.relative_to(layout.path)), recursive=False)
    return Path(path)


def config_bytes(layers, **extra):
    return images.dump({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]},
                        "rootfs": {"type": "layers", "diff_ids": [l.diff_id for l in layers]}}
                       | extra)


def plain_layers(size, seed, count=3):
    return [images.make_layer(s, seed * 100 + i, images.TAR)
            for i, s in enumerate(images.sizes(size, count))]


def classic(path, tag="acme/app:1", size=1 << 20, seed=21, shared=True):
    """docker save before 25: <id>/layer.tar, a layer that occurs twice is a symbolic link."""
    layers = plain_layers(size, seed)
    chain = layers + [layers[0]] if shared else layers
    config = config_bytes(chain)
    names, first = [], {}
    with tarfile.open(path, "w") as tar:
        for i, layer in enumerate(chain):
            id = images.digest_of(f"{seed}-{i}".encode()).split(":")[1]
            names.append(f"{id}/layer.tar")
            add(tar, f"{id}/VERSION", b"1.0")
            add(tar, f"{id}/json", images.dump({"id": id}))
            if layer.diff_id in first:
                add_link(tar, names[-1], "../" + first[layer.diff_id])
            else:
                first[layer.diff_id] = names[-1]
                add(tar, names[-1], layer.data)
        name = images.digest_of(config).split(":")[1] + ".json"
        add(tar, name, config)
        add(tar, "manifest.json", images.dump(
            [{"Config": name, "RepoTags": [tag] if tag else None, "Layers": names}]))
        add(tar, "repositories", b"{}")
    return Path(path)


def podman(path, tag="localhost/acme/app:1", size=1 << 20, seed=24):
    """podman save: <diff ID>.tar, to which <id>/layer.tar is a symbolic link."""
    layers = plain_layers(size, seed)
    config = config_bytes(layers)
    names = []
    with tarfile.open(path, "w") as tar:
        for layer in layers:
            names.append(layer.diff_id.split(":")[1] + ".tar")
            add(tar, names[-1], layer.data)
        name = images.digest_of(config).split(":")[1] + ".json"
        add(tar, name, config)
        for i, layer in enumerate(names):
            id = images.digest_of(f"{seed}-{i}".encode()).split(":")[1]
            add_link(tar, f"{id}/layer.tar", f"../{layer}")
            add(tar, f"{id}/VERSION", b"1.0")
            add(tar, f"{id}/json", images.dump({"id": id}))
        add(tar, "manifest.json", images.dump(
            [{"Config": name, "RepoTags": [tag] if tag else None, "Layers": names}]))
        add(tar, "repositories", b"{}")
    return Path(path)


def modern(path, tag="acme/app:1", size=1 << 20, seed=22):
    """docker save since 25, graph driver store: an OCI layout with uncompressed layers, and
    manifest.json behind the blobs."""
    layers = plain_layers(size, seed)
    config = config_bytes(layers)
    manifest = images.dump(
        {"schemaVersion": 2, "mediaType": images.MANIFEST,
         "config": {"mediaType": images.CONFIG, "digest": images.digest_of(config),
                    "size": len(config)},
         "layers": [l.descriptor() for l in layers]})
    blobs = [l.data for l in layers] + [config, manifest]
    index = {"schemaVersion": 2, "mediaType": images.INDEX, "manifests": [
        {"mediaType": images.MANIFEST, "digest": images.digest_of(manifest), "size": len(manifest),
         "annotations": {"io.containerd.image.name": f"docker.io/{tag}",
                         images.REF_NAME: tag.rpartition(":")[2]}}]}
    write_docker_layout(path, blobs, index, config, layers, tag)
    return Path(path)


def containerd(path, tag="acme/app:1", size=1 << 20, seed=23, absent=False):
    """docker save with the containerd store: the original compressed blobs and the original index;
    ABSENT: the index names a second platform whose blobs are not there."""
    layers = [images.make_layer(s, seed * 100 + i) for i, s in enumerate(images.sizes(size, 3))]
    config = config_bytes(layers)
    manifest = images.dump(
        {"schemaVersion": 2, "mediaType": images.MANIFEST,
         "config": {"mediaType": images.CONFIG, "digest": images.digest_of(config),
                    "size": len(config)},
         "layers": [l.descriptor() for l in layers]})
    children = [{"mediaType": images.MANIFEST, "digest": images.digest_of(manifest),
                 "size": len(manifest), "platform": {"os": "linux", "architecture": "amd64"}}]
    if absent:
        children.append({"mediaType": images.MANIFEST, "digest": images.digest_of(b"not here"),
                         "size": 8, "platform": {"os": "linux", "architecture": "arm64"}})
    inner = images.dump({"schemaVersion": 2, "mediaType": images.INDEX, "manifests": children})
    blobs = [l.data for l in layers] + [config, manifest, inner]
    index = {"schemaVersion": 2, "mediaType": images.INDEX, "manifests": [
        {"mediaType": images.INDEX, "digest": images.digest_of(inner), "size": len(inner),
         "annotations": {"io.containerd.image.name": f"docker.io/{tag}"}}]}
    write_docker_layout(path, blobs, index, config, layers, tag)
    return Path(path)


def write_docker_layout(path, blobs, index, config, layers, tag):
    def place(data):
        return "blobs/" + images.digest_of(data).replace(":", "/")

    with tarfile.open(path, "w") as tar:
        for data in sorted(set(blobs), key=images.digest_of):
            add(tar, place(data), data)
        add(tar, "index.json", images.dump(index))
        add(tar, "manifest.json", images.dump(
            [{"Config": place(config), "RepoTags": [tag],
              "Layers": [place(layer.data) for layer in layers]}]))
        add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')


def rewrite(source, target, change):
    """Copy the archive; CHANGE(info, data) gives the new (info, data), or None to leave it out."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for info in old:
            data = old.extractfile(info).read() if info.isfile() else b""
            changed = change(info, data)
            if changed:
                info, data = changed
                info.size = len(data)
                new.addfile(info, io.BytesIO(data) if info.isfile() else None)
    return Path(target)


def manifest_json(path):
    with tarfile.open(path) as tar:
        return json.load(tar.extractfile("manifest.json"))
