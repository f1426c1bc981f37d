"""An image made of this machine's own files: real tars, really compressed."""
import gzip
import hashlib
import io
import os
import stat
import tarfile
from concurrent.futures import ThreadPoolExecutor

import images

# where each layer's files come from, and at how many compressed bytes it is full
FILE_MAX = 8 << 20        # one huge library would make its layer much bigger than asked
LAYERS = (("/usr/lib", 45 << 20), ("/usr/bin", 40 << 20), ("/usr/lib", 30 << 20),
          ("/usr/share", 25 << 20), ("/usr/lib", 15 << 20))


class Tap:
    """A writer that hashes and counts what passes through it."""

    def __init__(self, target):
        self.target, self.hash, self.size = target, hashlib.sha256(), 0

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)
        return self.target.write(data)

    def flush(self):
        self.target.flush()

    @property
    def digest(self):
        return "sha256:" + self.hash.hexdigest()


def files_under(root, part, parts):
    """Regular, readable files; of PARTS layers that share a root each takes every n-th file."""
    number = 0
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            number += 1
            if number % parts != part:
                continue
            facts = os.lstat(path)
            if stat.S_ISREG(facts.st_mode) and facts.st_size <= FILE_MAX \
                    and os.access(path, os.R_OK):
                yield path


def add_file(tar, path):
    with open(path, "rb") as file:
        data = file.read()
    info = tarfile.TarInfo(path.lstrip("/"))
    # of what was read, not of what stat() says: the file may change meanwhile
    info.size, info.mode = len(data), os.lstat(path).st_mode & 0o7777
    tar.addfile(info, io.BytesIO(data))


def build_layer(layout, number):
    root, full = LAYERS[number]
    same_root = [i for i, (r, _) in enumerate(LAYERS) if r == root]
    partial = layout.path / f"layer{number}"
    with open(partial, "wb") as out:
        packed = Tap(out)
        with gzip.GzipFile("", "wb", compresslevel=1, fileobj=packed, mtime=0) as zipped:
            plain = Tap(zipped)
            with tarfile.open(fileobj=plain, mode="w|", bufsize=1 << 20) as tar:
                for path in files_under(root, same_root.index(number), len(same_root)):
                    add_file(tar, path)
                    if packed.size >= full:
                        break
    partial.rename(layout.blob_path(packed.digest))
    return {"mediaType": images.TAR + "+gzip", "digest": packed.digest,
            "size": packed.size}, plain.digest


def build_image(folder):
    """(Layout, bytes of all layers)."""
    layout = images.Layout(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(lambda n: build_layer(layout, n), range(len(LAYERS))))
    config = layout.add_document(
        {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/usr/bin/true"]},
         "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in made]}},
        images.CONFIG)
    layers = [descriptor for descriptor, _ in made]
    layout.name(layout.add_document({"schemaVersion": 2, "mediaType": images.MANIFEST,
                                     "config": config, "layers": layers}))
    return layout, sum(d["size"] for d in layers)


def tar_of_files(root, full):
    """The bytes of a plain tar of what is below ROOT, FULL bytes and a little more."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in files_under(root, 0, 1):
            add_file(tar, path)
            if out.tell() >= full:
                break
    return out.getvalue()
