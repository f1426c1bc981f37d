"""One run of a program: how long, whose CPU, how much memory."""
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

LOOK_S = 0.005
TIMEOUT_S = 600


@dataclass
class Run:
    seconds: float
    cpu: float = 0.0
    peak_kib: int = 0
    said: str = ""


def peak_kib(pid):
    """VmHWM only grows; see memory.py for why this is not what wait4 tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines()
                 if line.startswith("VmHWM")), 0)


def process_cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """Looks at a process until it is told to stop; kills it when it takes too long."""

    def __init__(self, process, looks):
        super().__init__(daemon=True)
        self.process, self.looks = process, looks
        self.peak = 0
        self.over = threading.Event()

    def run(self):
        until = time.monotonic() + TIMEOUT_S
        while not self.over.wait(LOOK_S if self.looks else 1):
            if self.looks:
                self.peak = max(self.peak, peak_kib(self.process.pid))
            if time.monotonic() > until:
                self.process.kill()


def run(args, env=None, looks=False, log=None):
    """ARGS to their end; fails loudly when they do.  LOOKS: at its memory.  LOG: what it says."""
    with open(log or os.devnull, "w+b") as said:
        begun = time.monotonic()
        process = subprocess.Popen([str(a) for a in args], env=env, stdin=subprocess.DEVNULL,
                                   stdout=said, stderr=said)
        watch = Watch(process, looks)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        watch.over.set()
        watch.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace") if log else ""
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, args))}: exit {process.returncode}: {text[-2000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, watch.peak, text)
