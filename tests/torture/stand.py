"""Where a push is tortured: one real registry, a front of its own for every run, and the verdict.

The verdict comes from the exit code and from the registry's storage (peers/truth.py), never from
what the program says.
"""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import absence
import actions
import archives
import images
from engine_peer import EnginePeer
from front import Front
from kinds import AWAY_FIRST_S, FAULTS, fits, place_of
from registry import Registry
from ways import WAYS

RUN_MAX_S = 60
IMAGE_BYTES = 400_000        # two platforms, three layers of 100 kB: more than one read or write
STORY_MAX = 8000
MEMORY = "/dev/shm"          # docker-registry syncs all that it writes: there that costs nothing


class Run(NamedTuple):
    """Request number REQUEST, which is one of kind PLACE, fails in the way of FAULT."""
    way: str
    fault: str = ""
    request: int = 0
    place: str = ""

    def __str__(self):
        return f"{self.way}: " + (f"request {self.request}, {self.place}: {self.fault}"
                                  if self.fault else "no fault")

    @property
    def cost(self):
        return FAULTS[self.fault].cost(self.place)


@dataclass
class Outcome:
    run: Run
    is_met: bool             # the fault came to pass
    why: str                 # "" if it landed
    seconds: float
    story: str = ""          # of a failure
    requests: list = field(default_factory=list)


class Stand:
    def __init__(self, landed, options=()):
        self.landed, self.options = Path(landed).resolve(), options
        self.lock = threading.Lock()
        self.processes = set()
        self.is_stopped = False
        self.engine = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            memory = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
            self.folder = Path(stack.enter_context(
                tempfile.TemporaryDirectory(prefix="landed-torture-", dir=memory)))
            self.image = images.multi(self.folder / "image", size=IMAGE_BYTES)
            self.engine = stack.enter_context(EnginePeer(self.folder, "docker20", archives.classic(
                self.folder / "engine.tar", size=IMAGE_BYTES)))
            self.registry = stack.enter_context(Registry(self.folder / "registry"))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stop()
        self.stack.close()

    def stop(self):
        """Ends what runs, and whatever would be started yet."""
        with self.lock:
            self.is_stopped = True
            for process in self.processes:
                process.kill()

    def push(self, run):
        """A whole push, into a repository that nothing was pushed to before."""
        way, name = WAYS[run.way], f"{run.way}-{run.fault or 'no-fault'}-{run.request}"
        folder, repo = self.folder / name, f"acme/web/{name}"
        folder.mkdir()
        with Front(self.registry.url, way.gate(), **way.front) as front:
            command = [self.landed, "push", self.source_of(way), f"{front.address}/{repo}:1",
                       *way.options, *way.credential(folder, front.address), *self.options]
            command += FAULTS[run.fault].options if run.fault else ()
            strike = Strike(front, run)
            started = time.monotonic()
            code = self.execute(command, folder)
            seconds = time.monotonic() - started
        outcome = Outcome(run._replace(place=strike.place), strike.is_met,
                          self.judge(code, repo, way, front, folder), seconds)
        if not outcome.why and not outcome.is_met and way.keeps_order:
            outcome.why = "it landed, but the fault did not come to pass"
        if outcome.why or self.options:
            outcome.story = tell(command, folder, front)
        if not run.fault:
            outcome.requests = front.record.where()
        shutil.rmtree(folder)
        shutil.rmtree(self.registry.storage.repository(repo), ignore_errors=True)
        return outcome

    def source_of(self, way):
        return (f"docker-daemon:{self.engine.images[0].id}" if way.from_engine
                else self.image.source())

    def what_is_wrong(self, repo, tag, way):
        """Nothing, if the image is whole under that tag."""
        there = self.registry.storage.tag(repo, tag)
        if way.from_engine and there:
            config = json.loads(self.registry.storage.manifest(repo, tag))["config"]["digest"]
            is_ours = config == self.engine.images[0].id
        else:
            is_ours = there == self.image.digest
        return (self.registry.storage.problems(repo, tag) if is_ours
                else [f"{tag} is on {there or 'nothing'}"])

    def execute(self, command, folder):
        """The exit code, None if it did not end."""
        with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
            with self.lock:
                if self.is_stopped:
                    return None
                process = subprocess.Popen(command, env=environment(folder, self.engine),
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=err)
                self.processes.add(process)
            try:
                return process.wait(RUN_MAX_S)
            except subprocess.TimeoutExpired:
                return None
            finally:
                process.kill()
                process.wait()
                with self.lock:
                    self.processes.remove(process)

    def judge(self, code, repo, way, front, folder):
        """Why this is no landing, "" if it is one."""
        wrong = list(front.bugs)
        for tag in way.tags:
            wrong += self.what_is_wrong(repo, tag, way)
        if code == 0 and not wrong:
            return ""
        ended = f"no end after {RUN_MAX_S} s" if code is None else f"exit {code}"
        said = heard(folder).strip().splitlines() or ["nothing"]
        return f"{ended}; in the registry: {', '.join(wrong) or 'all of it'}; it says: {said[-1]}"


class Strike:
    """The fault of a run, laid out in the front's plan."""

    def __init__(self, front, run):
        self.front, self.run, self.place = front, run, run.place
        self.way, self.fault, self.is_struck = WAYS[run.way], FAULTS.get(run.fault), False
        if run.fault == "refused" and run.request == 1:
            absence.leave(front, AWAY_FIRST_S)
        elif run.fault == "refused":
            front.plan.add(id=run.fault, request=run.request - 1, action=self.fault.action)
        elif self.fault:
            front.plan.add(id=run.fault, request=run.request, action={"do": self.strike})

    def strike(self, exchange):
        place = place_of(exchange.method, exchange.target, exchange.origin)
        if not fits(self.run.fault, self.way, place, exchange.body.length or 0):
            exchange.proceed()       # another request than in the plain push: the order changes
            return
        self.is_struck, self.place = True, place
        actions.perform(exchange, self.fault.at(self.way, place))

    @property
    def is_met(self):
        """A connection that was refused leaves no trace here; that another one came does."""
        if self.run.fault == "refused":
            return len(self.front.record.where()) >= self.run.request
        return self.is_struck or not self.fault


def environment(folder, engine):
    """Nothing of the machine's user takes part."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_CONFIG": str(folder),
           "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder),
           "XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    env |= {"DOCKER_HOST": engine.host} if engine else {}
    return env | {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}


def heard(folder):
    return (folder / "stderr").read_text(errors="replace")[-STORY_MAX:]


def tell(command, folder, front):
    return (f"{' '.join(map(str, command))}\n-- stderr\n{heard(folder)}"
            f"-- requests\n{front.record.lines()[-STORY_MAX:]}\n")
