"""What is said of the rows: lines while they are measured, tables for docs/performance.md."""
import os
from dataclasses import dataclass, field

from pushing import requests, rows, stand

BEGIN, END = "<!-- push: written by ./dev bench push --write -->", "<!-- push: end -->"


@dataclass
class Taken:
    row: rows.Row
    results: rows.Results
    refusals: dict
    load: float
    verdicts: list
    asked: dict = field(default_factory=dict)
    seconds: float = 0

    def lines(self):
        yield f"{self.row.key}: {self.row.work} (load {self.load:.1f}, {self.seconds:.0f} s)"
        ours = self.results.ours()
        for name, all in self.results.runs_of.items():
            seconds = rows.seconds(self.results, name)
            spread = "-".join(f"{f(r.seconds for r in all):.3f}" for f in (min, max))
            ratio = f"{rows.seconds(self.results, ours) / seconds:5.2f}" if ours else ""
            peak = max(run.peak_kib for run in all)
            yield (f"  {name:34} {seconds:8.3f} s ({spread}) {ratio}  CPU "
                   f"{rows.cpu(self.results, name):6.2f} s" +
                   (f"  {peak / 1024:5.1f} MiB" if peak else ""))
        for name, why in self.refusals.items():
            yield f"  {name:34} left out: {why}"
        if self.results.engine:
            yield "  the engine alone: first byte after {:.3f} s, whole export {:.3f} s".format(
                *self.results.engine)
        for name, entries in self.asked.items():
            yield (f"  {name}: {len(entries)} requests, {len(requests.chain(entries))} one after "
                   f"another, {len({e['connection'] for e in entries})} connections")
            yield f"    {requests.describe(entries)}"
        for verdict in self.verdicts:
            yield f"  {verdict}"

    def text(self):
        return "\n".join(self.lines())


def table(head, body):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for line in body:
        yield "| " + " | ".join(line) + " |"


def time_rows(all_taken):
    for taken in all_taken:
        for name in taken.results.runs_of:
            peak = max(run.peak_kib for run in taken.results.runs_of[name])
            yield (taken.row.work, name, f"{rows.seconds(taken.results, name):.3f}",
                   f"{rows.cpu(taken.results, name):.2f}",
                   f"{peak / 1024:.1f}" if peak else "")


def goal_rows(all_taken):
    for taken in all_taken:
        for verdict in taken.verdicts:
            yield (taken.row.work, verdict.what, f"{verdict.value:.2f}", f"{verdict.limit:.2f}",
                   "ok" if verdict.ok else "NOT REACHED")


def engine_rows(all_taken):
    for taken in all_taken:
        if taken.results.engine:
            first, whole = taken.results.engine
            bound = taken.results.bound
            yield (taken.row.work, f"{first:.3f}", f"{whole:.3f}",
                   f"{bound:.3f}" if bound else "")


def request_rows(all_taken):
    for taken in all_taken:
        for name, entries in taken.asked.items():
            yield (taken.row.work, name, str(len(entries)), str(len(requests.chain(entries))),
                   str(len({e["connection"] for e in entries})), requests.describe(entries))


def section(all_taken, rounds, scale):
    loads = [taken.load for taken in all_taken]
    yield (f"Medians of {rounds}, contenders taking turns, {stand.cores()} cores, load "
           f"{min(loads):.1f} to {max(loads):.1f}" +
           (f", sizes divided by {scale}" if scale > 1 else "") + ".")
    yield "CPU is the program's own, of `docker push` its engine's as well."
    yield ""
    yield from table(("goal of", "what", "measured", "at most", ""), goal_rows(all_taken))
    yield ""
    yield from table(("work", "by", "seconds", "CPU seconds", "peak MiB"), time_rows(all_taken))
    body = list(engine_rows(all_taken))
    if body:
        yield ("\nWhat the engine takes by itself, and the bound: its first byte and the compressor "
               "on all cores.\n")
        yield from table(("work", "first byte", "whole export", "bound"), body)
    body = list(request_rows(all_taken))
    if body:
        yield "\nRequests, and the longest chain of those that waited for each other.\n"
        yield from table(("work", "by", "requests", "in sequence", "connections", "the chain"),
                         body)


def write(path, all_taken, rounds, scale):
    """Between the marks; the rest of the page is not ours."""
    page = path.read_text() if path.exists() else f"# Performance\n\n## Push\n\n{BEGIN}\n{END}\n"
    if BEGIN not in page:
        page += f"\n## Push\n\n{BEGIN}\n{END}\n"
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    new = "\n".join(section(all_taken, rounds, scale))
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{before}{BEGIN}\n\n{new}\n\n{END}{after}")
    os.replace(temporary, path)
