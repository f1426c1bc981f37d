#!/usr/bin/env python3
"""Peak memory of one push of an OCI layout, plain and over TLS: it must not depend on the image's size.

Prints one line a run: what was pushed, how long it took, and the kernel's own peak RSS.
"""
import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/peers"))

from certs import Authority  # noqa: E402
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


def peak_kib(pid):
    """VmHWM only grows, so the last look before the end is the peak.  What wait4 tells would begin
    with this interpreter's own size, which the child had before it became the program."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def run(landed, layout, address, *options):
    command = [landed, "push", f"oci:{layout}", f"{address}/bench/memory:1", "--progress", "none", *options]
    begun, peak = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        peak = max(peak, peak_kib(process.pid))
        time.sleep(0.005)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}: {process.stderr.read()}")
    return peak, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landed", default=str(ROOT / "build/release/landed"))
    parser.add_argument("--mib", type=int, default=4096)
    parser.add_argument("--blobs", type=int, default=4)
    parser.add_argument("--ceiling-mib", type=int, default=24)
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
                kib, seconds = run(args.landed, layout, registry.address, *options)
            shutil.rmtree(scratch / name, ignore_errors=True)
            worst = max(worst, kib)
            print(f"{args.mib} MiB in {args.blobs} blobs, {name}: peak RSS {kib / 1024:.1f} MiB, {seconds:.1f} s")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if worst > args.ceiling_mib * 1024:
        sys.exit(f"more than {args.ceiling_mib} MiB")


if __name__ == "__main__":
    main()
