"""Images out of the machine's own files: /usr as tars, cut to size, and layouts of such layers."""
import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

MIB = 1 << 20
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def system_files():
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def dump(document):
    return json.dumps(document).encode()


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layers:
    """Layer tars, one after another; no file of the machine is in two of them until all were."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.files = system_files()
        self.count = 0

    def next_file(self):
        path = next(self.files, None)
        if path is None:
            self.files = system_files()
            path = next(self.files)
        return path

    def make(self, size):
        """(path, diff ID) of a tar of exactly SIZE bytes, a whole number of MiB."""
        self.count += 1
        path = self.folder / f"{self.count}.tar"
        with open(path, "wb") as out, tarfile.open(fileobj=out, mode="w",
                                                   format=tarfile.GNU_FORMAT) as tar:
            room = size - 16 * 1024     # headers of a last file, the tar's end
            while room - out.tell() > 16 * 1024:
                self.add(tar, self.next_file(), room - out.tell() - 8 * 1024)
        os.truncate(path, size)         # zeros after a tar's end are a tar's end
        with open(path, "rb") as file:
            return path, "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()

    def add(self, tar, path, room):
        """At most ROOM bytes of it: the last file is cut."""
        try:
            with open(path, "rb") as file:
                length = min(os.fstat(file.fileno()).st_size, room)
                info = tarfile.TarInfo(f"{self.count}{path}")
                info.size, info.mode, info.mtime = length, 0o644, 1700000000
                tar.addfile(info, file)
        except PermissionError:
            pass


def write_archive(path, name, layers):
    """What docker save writes: both engines and every pusher take it."""
    config = dump({"architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z",
                   "config": {"Cmd": ["/bin/true"]},
                   "history": [{"created": "2024-01-01T00:00:00Z", "created_by": str(i)}
                               for i in range(len(layers))],
                   "rootfs": {"type": "layers", "diff_ids": [id for _, id in layers]}})
    config_name = digest_of(config).split(":")[1] + ".json"
    names = [f"{i:03}/layer.tar" for i in range(len(layers))]
    with tarfile.open(path, "w") as tar:
        for layer_name, (file, _) in zip(names, layers):
            tar.add(file, layer_name)
        for entry, data in ((config_name, config), ("manifest.json", dump(
                [{"Config": config_name, "RepoTags": [name], "Layers": names}]))):
            info = tarfile.TarInfo(entry)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def put(folder, data, kind):
    digest = digest_of(data)
    (folder / digest.split(":")[1]).write_bytes(data)
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def write_layout(path, sizes, source):
    """Blobs of exactly SIZES bytes: pieces of one gzip stream of SOURCE, repeated."""
    folder = path / "blobs/sha256"
    folder.mkdir(parents=True)
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    packed = gzip.compress(source.read_bytes()[:64 * MIB], 1)
    layers = []
    for number, size in enumerate(sizes):
        # a head of its own, so that no two are the same blob
        head = gzip.compress(b"%d" % number)
        data = (head + packed * (size // len(packed) + 1))[:size]
        layers.append(put(folder, data, LAYER))
    config = put(folder, dump({"architecture": "amd64", "os": "linux", "rootfs": {
        "type": "layers", "diff_ids": [d["digest"] for d in layers]}}), CONFIG)
    manifest = put(folder, dump({"schemaVersion": 2, "mediaType": MANIFEST, "config": config,
                                 "layers": layers}), MANIFEST)
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return path


class Image:
    """ARCHIVE and NAME: as engines load it.  LAYOUT: instead, blobs that travel as they are."""

    def __init__(self, name, size, archive=None, layout=None):
        self.name, self.size, self.archive, self.layout = name, size, archive, layout

    def blobs(self):
        folder = Path(self.layout) / "blobs/sha256"
        return sorted(folder.iterdir(), key=lambda path: -path.stat().st_size)


def archive_image(folder, name, layers):
    path = write_archive(folder / f"{name}.tar", f"bench/{name}:1", layers)
    return Image(name, sum(file.stat().st_size for file, _ in layers), archive=path)
