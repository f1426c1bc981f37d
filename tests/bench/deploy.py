#!/usr/bin/env python3
"""How long a deploy takes: landed deploy --wait=no beside kubectl set image, and landed's verdict
after the moment in which the cluster first shows that an image is missing.

Against the peer of the API server and a real docker-registry on loopback; contenders take turns.
--write puts the tables into docs/performance.md.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("peers", "e2e", "bench/pushing")]

import images  # noqa: E402
from kube import timelines  # noqa: E402
from kube.cluster import Cluster  # noqa: E402
from kube_peers import kubectls  # noqa: E402
from page import table  # noqa: E402
from registry import Registry  # noqa: E402

SECONDS_MAX, MIB_MAX, VERDICT_MAX = 0.025, 20, 1.0
BEGIN, END = "<!-- deploy: made by ./dev bench deploy --write -->", "<!-- deploy: end -->"
TIMEOUT = 60
IMAGE_MISSING = 50       # landed's exit code

# A small process starts the contender: what wait4 tells of peak memory begins with the parent's.
STOPWATCH = """
import os, sys, time
begun = time.monotonic()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
ended = time.monotonic()
print(begun, ended, usage.ru_maxrss, usage.ru_utime + usage.ru_stime,
      os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


class Run:
    def __init__(self, command, env, owed):
        stopwatch = [sys.executable, "-I", "-S", "-c", STOPWATCH]
        done = subprocess.run(stopwatch + command, env=env, text=True, timeout=TIMEOUT,
                              stdin=subprocess.DEVNULL, capture_output=True)
        told = done.stderr.splitlines()
        self.begun, self.ended, kib, self.cpu, code = map(float, told[-1].split())
        self.seconds, self.mib, self.err = self.ended - self.begun, kib / 1024, told[:-1]
        if code != owed:
            sys.exit(f"{' '.join(command)}: exit {code:.0f}\n{done.stdout}{done.stderr}")


class Place:
    """A cluster whose time stands still unless SPEED moves it, and a registry with two images."""

    def __init__(self, folder, args, timeline="good", speed=0):
        self.stack, self.args, self.seen = ExitStack(), args, 0
        self.registry = self.stack.enter_context(Registry(folder / "registry"))
        self.cluster = self.stack.enter_context(Cluster(folder / "cluster", speed=speed))
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        self.refs = [f"{self.registry.address}/bench/web:v{n}" for n in (1, 2)]
        for n, ref in enumerate(self.refs):
            made = images.single(folder / f"image{n}", size=2000, layers=3, seed=n)
            subprocess.run([args.landed, "push", made.source(), ref], check=True, env=self.env,
                           capture_output=True, timeout=TIMEOUT)
        self.cluster.stage = timelines.Stage(self.cluster, timelines.get(timeline),
                                             image=self.refs[0])
        self.env["KUBECONFIG"] = str(self.cluster.kubeconfig())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def requests(self):
        """What the API server was asked since the last look."""
        new = self.cluster.record.entries[self.seen:]
        self.seen += len(new)
        return new


# -- (a) the change


def contenders(place):
    """{name: its words for REF}"""
    landed = place.args.landed
    return {"landed deploy --wait=no": lambda ref: [
        landed, "deploy", "--wait=no", "--progress", "none", "deployment/my-app", f"app={ref}"]} | {
        f"{name} set image": lambda ref, path=path: [
            path, "set", "image", "deployment/my-app", f"app={ref}"]
        for name, path in kubectls().items()} | {
        "landed --version": lambda _: [landed, "--version"]}        # the loader's part


def measure_change(folder, args):
    with Place(folder, args) as place:
        kinds = contenders(place)
        runs, asked = {name: [] for name in kinds}, {}
        for number in range(args.rounds + 1):           # the first one warms caches
            for turn, (name, words) in enumerate(kinds.items()):
                place.requests()
                done = Run(words(place.refs[(number * len(kinds) + turn + 1) % 2]), place.env, 0)
                asked[name] = len(place.requests())
                runs[name].append(done)
        return {name: kept[1:] for name, kept in runs.items()}, asked


# -- (b) the verdict


class FirstSight:
    """When the store first had a container that waits for an image that is missing; from then on
    the registry has lost what it proved, so that both say the same."""

    def __init__(self, place):
        self.at = None
        self.repositories = place.registry.folder / "data/docker/registry/v2/repositories"
        place.cluster.store.listeners.append(self.hear)

    def hear(self, resource, change):
        if self.at is None and resource.plural == "pods":
            states = (s.get("state", {}) for s in
                      change.obj.get("status", {}).get("containerStatuses", ()))
            if any(s.get("waiting", {}).get("reason") == "ErrImagePull" for s in states):
                shutil.rmtree(self.repositories)
                self.at = time.monotonic()


def measure_verdict(folder, args):
    """Seconds between the state and the exit, a fresh cluster each: the pods cannot pull."""
    seconds = []
    for number in range(args.verdicts):
        with Place(folder / str(number), args, "image-missing", speed=1) as place:
            sight = FirstSight(place)
            done = Run([args.landed, "deploy", "--progress", "none", "deployment/my-app",
                        f"app={place.refs[1]}"], place.env, IMAGE_MISSING)
            seconds.append(done.ended - sight.at)
    return seconds


# -- the page


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def section(args, runs, asked, verdict):
    ours = next(iter(runs.values()))
    yield (f"Medians of {args.rounds}, contenders taking turns, {os.cpu_count()} cores, load "
           f"{os.getloadavg()[0]:.1f}; the API server is the tests' own, in Python.")
    yield ""
    yield from table(("", "ms", "beside landed", "CPU ms", "peak MiB", "asks the API server"), (
        (name, f"{median(kept, 'seconds') * 1000:.1f}",
         f"{median(kept, 'seconds') / median(ours, 'seconds'):.2f}",
         f"{median(kept, 'cpu') * 1000:.1f}", f"{median(kept, 'mib'):.1f}", str(asked[name]))
        for name, kept in runs.items()))
    if verdict:
        yield ""
        yield (f"From the state `ErrImagePull` in the store to landed's exit, {len(verdict)} rollouts: "
               f"{min(verdict):.3f} s at least, {statistics.median(verdict):.3f} s in the median, "
               f"{max(verdict):.3f} s at most.")


def goals(runs, verdict):
    ours = next(iter(runs.values()))
    yield "ms", median(ours, "seconds") * 1000, SECONDS_MAX * 1000
    yield "MiB", median(ours, "mib"), MIB_MAX
    if verdict:
        yield "s to the verdict", max(verdict), VERDICT_MAX


def write(path, lines):
    """Between the marks; the rest of the page is not ours."""
    page = path.read_text()
    if BEGIN not in page:
        page += f"\n## Deploy\n\n{BEGIN}\n{END}\n"
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{END}{after}")
    os.replace(temporary, path)


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landed", default=str(ROOT / "build/release/landed"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--verdicts", type=int, default=20, help="rollouts until their verdict")
    parser.add_argument("--write", action="store_true", help="the table into docs/performance.md")
    return parser.parse_args()


def main():
    args = options()
    args.landed = os.path.abspath(args.landed)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    scratch = Path(tempfile.mkdtemp(prefix="landed-deploy-"))
    try:
        runs, asked = measure_change(scratch / "change", args)
        verdict = measure_verdict(scratch / "verdict", args)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    lines = "\n".join(section(args, runs, asked, verdict))
    print(lines)
    missed = [f"{value:.1f} {what}, owed {limit:g}" for what, value, limit in goals(runs, verdict)
              if value > limit]
    if args.write:
        write(ROOT / "docs/performance.md", lines)
    if missed:
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    main()
