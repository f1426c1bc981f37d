#!/usr/bin/env python3
"""How long a push takes: landed beside docker push, skopeo, podman push and curl, in one run.

Real programs on this machine, in scratch folders and a network namespace of the bench's own
(it wants root). Contenders take turns; what is printed are medians, ratios and whether a goal is reached.
--write puts the tables into docs/performance.md.
"""
import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "pushing"), str(ROOT / "tests/peers")]

from pushing import contenders, page, rows, stand  # noqa: E402

TOOLS = ("docker-registry", "dockerd", "docker", "skopeo", "podman", "curl", "ip", "nsenter",
         "mount")


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landed", default=str(ROOT / "build/release/landed"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, an eighth of the sizes")
    parser.add_argument("--scale", type=int, help="divide all sizes by this")
    parser.add_argument("--only", action="append", choices=rows.KEYS, metavar="ROW",
                        help="of " + ", ".join(rows.KEYS) + "; may be repeated")
    parser.add_argument("--level", type=int, default=5, help="libdeflate's, for the bound")
    parser.add_argument("--scratch", help="where all of it is put (default: $TMPDIR)")
    parser.add_argument("--write", action="store_true", help="the tables into docs/performance.md")
    return parser.parse_args()


def check(args):
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        sys.exit("not installed: " + ", ".join(missing))
    if os.getuid():
        sys.exit("dockerd and namespaces want root")
    if not os.access(args.landed, os.X_OK):
        sys.exit(f"{args.landed} is not built")
    args.landed = os.path.abspath(args.landed)


def asked(place, row):
    """{name: requests} of the link's rows, where each request costs a round trip."""
    if not row.over_link or row.state == "warm":
        return {}
    return {kind.name: place.ask(kind, row.image, row.before) for kind in row.contenders
            if not kind(place).refusal(row.image)}


def take_row(place, key, images, level):
    row = rows.make(key, images)
    begun, load = time.monotonic(), os.getloadavg()[0]
    if not row.over_link:
        place.take_link_away()
    runs_of, refusals = place.measure(row)
    engine = bound = None
    if row.state == "cold" and place.docker and not row.over_link and row.image.archive:
        engine = stand.engine_share(place.docker, row.image, min(place.rounds, 3))
        rate = stand.compressor_rate(row.image.layers[0][0], level)
        bound = rate and engine[0] + row.image.size / (stand.cores() * rate)
    results = rows.Results(runs_of, engine, bound)
    taken = page.Taken(row, results, refusals, load,
                       [v for goal in row.goals for v in goal(results)])
    place.take_link_away()      # requests are counted by a peer on loopback
    taken.asked = asked(place, row)
    taken.seconds = time.monotonic() - begun
    return taken


def main():
    args = options()
    check(args)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # engines are ended then, too
    rounds, scale = (1, args.scale or 8) if args.quick else (args.rounds, args.scale or 1)
    scratch = Path(tempfile.mkdtemp(prefix="landed-push-", dir=args.scratch))
    all_taken = []
    try:
        with stand.Stand(scratch, args.landed, rounds) as place:
            images = rows.Images(scratch / "images", scale)
            for key in args.only or rows.KEYS:
                all_taken.append(take_row(place, key, images, args.level))
                print(all_taken[-1].text(), flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if args.write:
        page.write(ROOT / "docs/performance.md", all_taken, rounds, scale)
    if not all(v.ok for taken in all_taken for v in taken.verdicts):
        sys.exit(1)


if __name__ == "__main__":
    main()
