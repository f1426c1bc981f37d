"""What is run, in which order, and what of it when there is not time for everything."""
import random
import threading
import time

from kinds import FAULTS, LONG_S, fits, place_of
from stand import Run
from ways import WAYS


def all_runs(name, record):
    """Every fault at every request of the plain push that RECORD tells of."""
    runs = []
    for e in record:
        place = place_of(e["method"], e["path"], e["origin"])
        runs += [Run(name, fault, e["seq"], place) for fault in FAULTS
                 if fits(fault, WAYS[name], place, e["body_bytes"], e["status"])]
    return runs


def spread(runs, seed):
    """Every fault at every kind of request once, before any of them comes a second time; in which
    order, at which of the requests and in which way is chosen by SEED."""
    rng = random.Random(seed)
    cells = {}
    for run in rng.sample(runs, len(runs)):
        cells.setdefault((run.fault, run.place), []).append(run)
    ordered = []
    while cells:
        ordered += [cell.pop() for cell in rng.sample(list(cells.values()), len(cells))]
        cells = {key: cell for key, cell in cells.items() if cell}
    return ordered


class Lane:
    """Runs that wait to be taken.  Nothing is begun that would not be over at ENDS_AT."""

    def __init__(self, runs, ends_at):
        self.runs, self.ends_at = list(runs), ends_at
        self.lock = threading.Lock()

    def take(self):
        """The next run that there is time for, or None."""
        with self.lock:
            left = self.ends_at - time.monotonic()
            for i, run in enumerate(self.runs):
                if run.cost <= left:
                    return self.runs.pop(i)
        return None


def lanes(runs, ends_at):
    """Long runs do nothing but wait: beside the others they cost no time."""
    return (Lane([run for run in runs if run.cost < LONG_S], ends_at),
            Lane([run for run in runs if run.cost >= LONG_S], ends_at))
