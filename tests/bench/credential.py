#!/usr/bin/env python3
"""How long a token takes: docker-credential-landed beside Google's own tools, out of their caches
and minted, in one run against the peer that plays Google on loopback.

Prints for each the median wall time, its ratio to ours and its peak RSS; what is not installed is
left out.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/peers"), str(ROOT / "tests/e2e")]

from google_clients import environment, gcloud_environment  # noqa: E402
from googleauth import Google  # noqa: E402
from googleauth.files import Files  # noqa: E402

HOST = "us-docker.pkg.dev"
TIMEOUT_S = 120


class Contender:
    """FORGET: what has to go before each run, so that a token is minted; None: nothing is kept."""

    def __init__(self, name, args, env, forget=None):
        self.name, self.args, self.env, self.forget = name, args, env, forget

    def start(self):
        return subprocess.Popen(self.args, env=self.env, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def check(self, process, out, err):
        if process.returncode != 0 or "ya29" not in out:
            sys.exit(f"{self.name}: exit {process.returncode}: {out}{err}")

    def prepare(self, is_kept):
        if not is_kept and self.forget:
            shutil.rmtree(self.forget, ignore_errors=True)
            self.forget.unlink(missing_ok=True)

    def seconds(self, is_kept):
        self.prepare(is_kept)
        begun = time.monotonic()
        process = self.start()
        said = process.communicate(HOST, timeout=TIMEOUT_S)
        taken = time.monotonic() - begun
        self.check(process, *said)
        return taken

    def peak_kib(self, is_kept):
        """In a run of its own, because looking takes time; see memory.py for why not wait4."""
        self.prepare(is_kept)
        process, peak = self.start(), 0
        process.stdin.write(HOST)
        process.stdin.close()
        deadline = time.monotonic() + TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                break
            peak = max([peak, *(int(line.split()[1]) for line in status.splitlines()
                                if line.startswith("VmHWM"))])
        process.stdin = None
        self.check(process, *process.communicate(timeout=TIMEOUT_S))
        return peak


def contenders(helper, google, path, scratch):
    """(ours out of the cache and minting), then the others; each with a home of its own."""
    def home(name):
        return scratch / name

    adc = {"GOOGLE_APPLICATION_CREDENTIALS": path}
    ours = Contender("docker-credential-landed get", [helper, "get"],
                     environment(home("landed"), **adc), home("landed") / ".cache")
    yield ours, True
    yield ours, False
    for name, args in [("docker-credential-gcloud get", ["docker-credential-gcloud", "get"]),
                       ("gcloud auth print-access-token",
                        ["gcloud", "auth", "print-access-token"])]:
        if shutil.which(args[0]):
            env = gcloud_environment(google, path, home(args[0]))
            theirs = Contender(name, args, env, Path(env["CLOUDSDK_CONFIG"]) / "access_tokens.db")
            yield theirs, True
            yield theirs, False
    if shutil.which("gke-gcloud-auth-plugin"):
        yield Contender("gke-gcloud-auth-plugin, ADC",
                        ["gke-gcloud-auth-plugin", "--use_application_default_credentials"],
                        environment(home("plugin"), **adc)), False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--helper", default=str(ROOT / "build/release/docker-credential-landed"))
    parser.add_argument("--runs", type=int, default=5, help="at least 5")
    args = parser.parse_args()
    runs = max(args.runs, 5)
    with tempfile.TemporaryDirectory(prefix="landed-credential-") as scratch, Google() as google:
        path = Files(google, Path(scratch) / "files").service_account()
        ours = {}
        print(f"median of {runs}, load {os.getloadavg()[0]:.1f}")
        for contender, is_kept in contenders(args.helper, google, path, Path(scratch)):
            contender.seconds(is_kept)  # warm-up; fills the cache
            median = statistics.median(contender.seconds(is_kept) for _ in range(runs))
            ours.setdefault(is_kept, median)
            word = "kept" if is_kept else "minted"
            print(f"{contender.name:32} {word:7} {median * 1000:7.1f} ms  "
                  f"{median / ours[is_kept]:7.1f}x  "
                  f"{contender.peak_kib(is_kept) / 1024:6.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
