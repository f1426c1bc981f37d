#!/usr/bin/env python3
"""Request torture: a push of N requests to a real registry is run again for each of them and for
each way of failing, with exactly that request failing that way once. The fault is gone by the next
request, so the program must exit 0, and the registry's storage must hold the whole image.

Prints a table, what failed, and the commands that repeat it. Exit 0 if all landed, 1 if not, 2 on
wrong usage.
"""
import argparse
import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/peers"))

from kinds import FAULTS  # noqa: E402
from sample import all_runs, lanes, spread  # noqa: E402
from stand import Run, Stand  # noqa: E402
from table import Table  # noqa: E402
from ways import WAYS  # noqa: E402

STORIES_MAX, FAILURES_MAX = 3, 40        # the report has all of them


def options():
    p = argparse.ArgumentParser(description="let each request of a push fail once, in each way")
    p.add_argument("--landed", default=str(ROOT / "build/release/landed"), metavar="PROGRAM")
    p.add_argument("--seconds", type=float, metavar="N",
                   help="a sample that takes about so long; without it everything")
    p.add_argument("--seed", type=int, metavar="N",
                   help="chooses the sample; without it another one each time")
    p.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                   help="pushes at once, and as many again of those that only wait")
    p.add_argument("--way", choices=WAYS, help="only this kind of registry")
    p.add_argument("--only", choices=FAULTS, metavar="KIND",
                   help=f"only this fault: {', '.join(FAULTS)}")
    p.add_argument("--request", type=int, metavar="I", help="only the I-th request")
    p.add_argument("--junit", type=Path, metavar="FILE",
                   help="write a report to FILE, with a test case for each cell of the table")
    p.add_argument("-v", "--verbose", action="store_true", help="tell every run in full")
    args = p.parse_args()
    if not os.access(args.landed, os.X_OK):
        p.error(f"no program at '{args.landed}'")
    if args.jobs < 1 or args.seconds is not None and args.seconds <= 0:
        p.error("--jobs and --seconds are more than nothing")
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1 << 31)
    return args


def plain_pushes(args, stand, table):
    """One push without a fault in each way, and the runs that follow from its requests."""
    runs = []
    for name in [args.way] if args.way else WAYS:
        outcome = stand.push(Run(name))
        table.add(outcome)
        if outcome.why:
            print(f"torture: FAILED: {outcome.run}", flush=True)
        else:
            print(f"torture: {name}: {len(outcome.requests)} requests", flush=True)
            runs += all_runs(name, outcome.requests)
    return [run for run in runs if args.only in (None, run.fault)
            and args.request in (None, run.request)]


def run_all(args, stand, table, runs, ends_at):
    def work(lane):
        while not stand.is_stopped and (run := lane.take()):
            outcome = stand.push(run)
            if stand.is_stopped:
                return
            table.add(outcome)
            if outcome.why:
                print(f"torture: FAILED: {outcome.run}", flush=True)
            if args.verbose:
                print(f"{outcome.run}\n{outcome.story}", flush=True)

    both = lanes(spread(runs, args.seed), ends_at)
    with ThreadPoolExecutor(2 * args.jobs) as pool:
        try:
            for future in [pool.submit(work, lane) for lane in both * args.jobs]:
                future.result()
        except BaseException:
            stand.stop()
            raise


def report(args, table, seconds):
    failures, runs = table.failures(), len(table.outcomes())
    print(f"\n{table.text()}\n")
    for outcome in failures[:STORIES_MAX]:
        print(f"{outcome.run}: {outcome.why}\n{outcome.story}")
    for outcome in failures[:FAILURES_MAX]:
        run = outcome.run
        again = f" --only {run.fault} --request {run.request}" if run.fault else ""
        print(f"{run}: {outcome.why}\n    /usr/bin/python3 tests/torture/torture.py "
              f"--landed {args.landed} --way {run.way}{again}")
    if len(failures) > FAILURES_MAX:
        print(f"and {len(failures) - FAILURES_MAX} more")
    print(f"torture: {runs - len(failures)} of {runs} pushes landed, {table.missed} did not meet "
          f"their fault; {seconds:.0f} s with --jobs {args.jobs} --seed {args.seed}")


def main():
    args = options()
    started = time.monotonic()
    ends_at = started + args.seconds if args.seconds else float("inf")
    # SystemExit unwinds every context: children ended, directory gone
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    table = Table()
    try:
        with Stand(args.landed, ("-v",) if args.verbose else ()) as stand:
            runs = plain_pushes(args, stand, table)
            if not runs and not table.failures():
                print("torture: there is no such request, or it cannot fail so", file=sys.stderr)
                return 2
            table.expect(runs)
            run_all(args, stand, table, runs, ends_at)
    except KeyboardInterrupt:
        return 130
    report(args, table, time.monotonic() - started)
    if args.junit:
        table.write_junit(args.junit)
    return 0 if table.has_shown_something() and not table.failures() else 1


if __name__ == "__main__":
    sys.exit(main())
