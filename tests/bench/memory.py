#!/usr/bin/env python3
"""Peak memory of one push: of an OCI layout, plain and over TLS, and from an engine whose layers are
compressed on the way.  It must not depend on the image's size.

Prints one line a run: what was pushed, how long it took, and the kernel's own peak RSS.
"""
import argparse
import hashlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/peers"))

from certs import Authority  # noqa: E402
from engine_peer import EnginePeer  # noqa: E402
from registry import Registry  # noqa: E402

MIB = 1 << 20


def write_blob(folder, mib):
    """Random bytes: nothing on the way can make them smaller."""
    sha, path = hashlib.sha256(), folder / "new"
    with open(path, "wb") as out:
        for _ in range(mib):
            chunk = os.urandom(MIB)
            sha.update(chunk)
            out.write(chunk)
    digest = sha.hexdigest()
    path.rename(folder / digest)
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": f"sha256:{digest}", "size": mib * MIB}


def write_json(folder, document, kind):
    data = json.dumps(document).encode()
    digest = hashlib.sha256(data).hexdigest()
    (folder / digest).write_bytes(data)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}


def write_layout(path, mib, blobs):
    folder = path / "blobs/sha256"
    folder.mkdir(parents=True)
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    layers = [write_blob(folder, mib // blobs) for _ in range(blobs)]
    config = write_json(folder, {"architecture": "amd64", "os": "linux",
                                 "rootfs": {"type": "layers", "diff_ids": [d["digest"] for d in layers]}},
                        "application/vnd.oci.image.config.v1+json")
    manifest = write_json(folder, {"schemaVersion": 2, "config": config, "layers": layers,
                                   "mediaType": "application/vnd.oci.image.manifest.v1+json"},
                          "application/vnd.oci.image.manifest.v1+json")
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))


def write_archive(path, mib, blobs):
    """What docker save writes, of one layer after another."""
    folder = path.parent / "layers"
    folder.mkdir()
    layers = [write_blob(folder, mib // blobs)["digest"] for _ in range(blobs)]
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "rootfs": {"type": "layers", "diff_ids": layers}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    names = [f"{number}/layer.tar" for number in range(blobs)]
    listed = json.dumps([{"Config": config_name, "RepoTags": ["bench/memory:1"], "Layers": names}])
    with tarfile.open(path, "w") as tar:
        for name, layer in zip(names, layers):
            tar.add(folder / layer.partition(":")[2], name)
        for name, data in ((config_name, config), ("manifest.json", listed.encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    shutil.rmtree(folder)


def peak_kib(pid):
    """VmHWM only grows, so the last look before the end is the peak.  What wait4 tells would begin
    with this interpreter's own size, which the child had before it became the program."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def run(landed, source, address, *options, **environment):
    command = [landed, "push", source, f"{address}/bench/memory:1", "--progress", "none", *options]
    begun, peak = time.monotonic(), 0
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        peak = max(peak, peak_kib(process.pid))
        time.sleep(0.005)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}: {process.stderr.read()}")
    return peak, time.monotonic() - begun


def tell(args, name, kib, seconds):
    print(f"{args.mib} MiB in {args.blobs} blobs, {name}: peak RSS {kib / 1024:.1f} MiB, {seconds:.1f} s",
          flush=True)


def run_engine(args, scratch):
    write_archive(scratch / "image.tar", args.mib, args.blobs)
    with Registry(scratch / "engine") as registry, \
            EnginePeer(scratch, "docker20", scratch / "image.tar") as engine:
        kib, seconds = run(args.landed, f"docker-daemon:{engine.images[0].id}", registry.address,
                           DOCKER_HOST=engine.host, TMPDIR=str(scratch),
                           XDG_CACHE_HOME=str(scratch / "cache"))
    tell(args, "from an engine", kib, seconds)
    return kib


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landed", default=str(ROOT / "build/release/landed"))
    parser.add_argument("--mib", type=int, default=4096)
    parser.add_argument("--blobs", type=int, default=4)
    parser.add_argument("--ceiling-mib", type=int, default=24)
    parser.add_argument("--engine-ceiling-mib", type=int, default=64)
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    scratch = Path(tempfile.mkdtemp(prefix="landed-memory-"))
    worst = 0
    try:
        layout = scratch / "layout"
        write_layout(layout, args.mib, args.blobs)
        authority = Authority(scratch / "ca")
        pair = authority.issue("registry")
        for name, tls, options in (("plain", None, ()), ("TLS", pair, ("--cacert", str(authority.cert)))):
            with Registry(scratch / name, tls=tls) as registry:
                kib, seconds = run(args.landed, f"oci:{layout}", registry.address, *options)
            shutil.rmtree(scratch / name, ignore_errors=True)
            worst = max(worst, kib)
            tell(args, name, kib, seconds)
        shutil.rmtree(layout)
        from_engine = run_engine(args, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if worst > args.ceiling_mib * 1024:
        sys.exit(f"more than {args.ceiling_mib} MiB")
    if from_engine > args.engine_ceiling_mib * 1024:
        sys.exit(f"from an engine more than {args.engine_ceiling_mib} MiB")


if __name__ == "__main__":
    main()
