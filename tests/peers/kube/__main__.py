"""Start the peer by hand: /usr/bin/python3 -m tests.peers.kube --timeline image-missing --speed 10

Prints the path of a kubeconfig; ends on SIGTERM, SIGINT or end of stdin.
"""
import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube import bulk, timelines  # noqa: E402
from kube.cluster import Cluster  # noqa: E402


def options():
    p = argparse.ArgumentParser(prog="tests.peers.kube", description="a Kubernetes API server")
    p.add_argument("--timeline", default="good", choices=timelines.names(), metavar="NAME")
    p.add_argument("--list", action="store_true", help="the names of timelines, and end")
    p.add_argument("--speed", type=float, default=1.0, help="of the timeline")
    p.add_argument("--folder", help="for certificates and kubeconfig; default: one of its own")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--plain", action="store_true", help="http, without credentials")
    p.add_argument("--certificate", action="store_true", help="a client certificate, no token")
    p.add_argument("--pods", type=int, default=0, metavar="N", help="so many pods more")
    p.add_argument("--events", type=int, default=0, metavar="N",
                   help="so many changes of these pods, as fast as they are taken")
    p.add_argument("--record", metavar="FILE", help="one JSON line a request")
    return p.parse_args()


def play(args, folder, ended):
    with Cluster(folder, args.timeline, args.speed, not args.plain, args.seed, port=args.port,
                 log=args.record) as cluster:
        user = cluster.certificate_user() if args.certificate and not args.plain else None
        if args.pods:
            bulk.fill(cluster, args.pods)
        print(cluster.kubeconfig(user=user), flush=True)
        if args.events:
            bulk.churn(cluster, args.events, ended)
        # a parent that dies closes our stdin: no server outlives the one who started it
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
        ended.wait()


def main():
    args, ended = options(), threading.Event()
    if args.list:
        for name, timeline in timelines.TABLE.items():
            print(f"{name:32} {timeline.kind:12} {timeline.about}")
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if args.folder:
        play(args, args.folder, ended)
    else:
        with tempfile.TemporaryDirectory(prefix="kube-peer-") as folder:
            play(args, folder, ended)


if __name__ == "__main__":
    main()
