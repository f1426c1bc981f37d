#!/usr/bin/env python3
"""Memory of one `landed watch`: alone with its rollout, then among many pods with the same labels that
change all the time.  It must not depend on how many there are.

Prints one line a run: what was watched, the kernel's own peak RSS, and what of it is not shared.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/peers"), str(ROOT / "tests/e2e")]

from kube import bulk  # noqa: E402
from kube.cluster import Cluster  # noqa: E402
from kube_peers import change_image  # noqa: E402
from memory import peak_kib  # noqa: E402

CODE = 53                # never-ready: only the deadline ends it
LOOK_S = 0.02


def private_kib(pid):
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def run(landed, kubeconfig, seconds):
    """(peak RSS, largest private part) in KiB."""
    command = [landed, "watch", "deployment/my-app", "--timeout", f"{seconds}s", "--progress", "none"]
    process = subprocess.Popen(command, env=os.environ | {"KUBECONFIG": str(kubeconfig)},
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = private = 0
    while process.poll() is None:
        peak = max(peak, peak_kib(process.pid))
        private = max(private, private_kib(process.pid))
        time.sleep(LOOK_S)
    if process.returncode != CODE:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}: {process.stderr.read()}")
    return peak, private


def measure(args, tls, pods, events):
    with tempfile.TemporaryDirectory(prefix="landed-watch-") as folder, \
            Cluster(Path(folder), "never-ready", speed=60, tls=tls) as cluster:
        bulk.fill(cluster, pods, namespace="default", labels={"app": "my-app"})
        change_image(cluster)
        churn = bulk.churn(cluster, events, namespace="default") if events else None
        peak, private = run(args.landed, cluster.kubeconfig(), args.seconds)
        told = sum(e.get("events", 0) for e in cluster.record.where("GET", "watch=true"))
    if churn and churn.is_alive():
        sys.exit("the watch was over before the changes were: --seconds")
    print(f"{'TLS' if tls else 'plain'}, {pods} pods more, {told} events: peak RSS {peak / 1024:.1f} MiB, "
          f"private {private / 1024:.1f} MiB", flush=True)
    return peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landed", default=str(ROOT / "build/release/landed"))
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=20, help="of each watch")
    args = parser.parse_args()
    for tls in (False, True):
        alone = measure(args, tls, 0, 0)
        crowd = measure(args, tls, args.pods, args.events)
        print(f"{'TLS' if tls else 'plain'}: {(crowd - alone) / 1024:+.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
