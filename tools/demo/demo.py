"""The promise, shown on one machine: a push that outlives its tokens, and the proof that it landed.

A real docker-registry stands behind a front that plays Artifact Registry with tokens of five
seconds, on a link so slow that the image needs several of them.  `landed` and skopeo push the same
image at the same time.  Everything lives in a temporary directory and on loopback.

    demo.py --landed build/release/landed
"""
import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests/peers")]

from front import Front  # noqa: E402
from gate import Gate  # noqa: E402
from machine import build_image  # noqa: E402
from registry import Registry  # noqa: E402
from show import Show  # noqa: E402

TOKEN_LIFE_S = 5
LINK_S = 16               # so long the image needs alone; with the other tool beside it, longer
PUSH_MAX_S = 120
USER, SECRET = "oauth2accesstoken", "demo-credential"
OURS, THEIRS, TAG = "acme/web/app", "acme/web/app-by-skopeo", "1.4"


def options():
    p = argparse.ArgumentParser(description="push an image that needs longer than its tokens live")
    p.add_argument("--landed", default="build/release/landed", metavar="PROGRAM")
    return p.parse_args()


@contextlib.contextmanager
def child(args, **how):
    """A process that ends with us, whatever happens."""
    process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, **how)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()


def credential_command(folder):
    path = folder / "fresh-credential"
    path.write_text(f"#!/bin/sh\necho {SECRET}\n")
    path.chmod(0o700)
    return path


def clean_environment(folder):
    """Nothing of the user's own logins takes part."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LANDED_", "DOCKER_"))}
    return env | {"HOME": str(folder), "DOCKER_CONFIG": str(folder), "XDG_CONFIG_HOME": str(folder)}


def push_both(show, landed, layout, front, folder):
    """landed in the foreground, skopeo beside it; (seconds, exit code) of each."""
    env = clean_environment(folder)
    ours = [landed, "push", layout.source(), f"{front.address}/{OURS}:{TAG}",
            "--cred", f"exec:{credential_command(folder)}", "--cred-user", USER, "--timeline",
            "--digest-file", folder / "digest"]
    theirs = ["skopeo", "copy", "--dest-tls-verify=false", "--dest-creds", f"{USER}:{SECRET}",
              layout.source("latest"), f"docker://{front.address}/{THEIRS}:{TAG}"]
    show.command(ours)
    show.command(theirs, beside=True)
    show.line()
    started = time.monotonic()
    with open(folder / "skopeo.txt", "wb") as output, \
            child(theirs, stdout=output, stderr=output, env=env) as other, \
            child(ours, env=env) as own:
        ends = {}
        while len(ends) < 2 and time.monotonic() - started < PUSH_MAX_S:
            for name, process in (("landed", own), ("skopeo", other)):
                if name not in ends and process.poll() is not None:
                    ends[name] = (time.monotonic() - started, process.returncode)
            time.sleep(0.05)
    show.line()
    return ends.get("landed", (PUSH_MAX_S, None)), ends.get("skopeo", (PUSH_MAX_S, None))


def pull_back(registry, folder):
    """skopeo's own pull, from the registry itself: (exit code, digest of what it got, bytes)."""
    target = folder / "pulled"
    done = subprocess.run(
        ["skopeo", "copy", "-q", "--src-tls-verify=false", "--digestfile", folder / "pulled.digest",
         f"docker://{registry.address}/{OURS}:{TAG}", f"dir:{target}"],
        capture_output=True, text=True, timeout=60)
    if done.returncode:
        return done.returncode, done.stderr.strip(), 0
    size = sum(p.stat().st_size for p in target.iterdir())
    return 0, (folder / "pulled.digest").read_text().strip(), size


def last_error(path):
    """skopeo logs `level=fatal msg="..."`; the message is what matters, its random ids are not."""
    lines = path.read_text(errors="replace").strip().splitlines() or ["(no output)"]
    message = lines[-1].partition("msg=")[2].strip('"') or lines[-1]
    return re.sub(r"(up-|sha256%3A)([\w-]{8})[\w-]+", r"\1\2…", message)


def tokens_of(front, repo):
    return {e["token"] for e in front.record.where(repo=repo) if e["token"]}


def refused(front, repo):
    return front.record.where(repo=repo, authorization=True, status=401)


def run(show, landed, folder):
    show.step("an image of several layers, from this machine's files")
    started = time.monotonic()
    layout, size = build_image(folder / "image")
    show.fact("image", f"{layout.digest[:19]}…  {len(layout.manifest()['layers'])} layers, "
              f"{size / 1e6:.0f} MB, built in {time.monotonic() - started:.1f} s")

    rate = int(size / LINK_S)
    gate = Gate("bearer", life=TOKEN_LIFE_S).allow(USER, SECRET)
    with Registry(folder / "registry") as registry, \
            Front(registry.url, gate, "gar", rate=rate) as front:
        show.step("a real docker-registry, behind a front in Artifact Registry's shape")
        show.fact("registry", f"{registry.address}, docker-registry")
        show.fact("front", f"{front.address}, tokens live {TOKEN_LIFE_S} s, "
                  f"the link takes {rate / 1e6:.1f} MB/s in all")

        show.step("two pushes of that image, side by side through that front")
        (own_s, own_code), (other_s, other_code) = push_both(show, landed, layout, front, folder)

        show.step("a second opinion: skopeo pulls it, from the registry itself")
        pulled, digest, got = pull_back(registry, folder)
        show.fact("pulled", f"{digest}  {got / 1e6:.0f} MB" if not pulled else digest)
        claimed = folder / "digest"
        claimed = claimed.read_text().strip() if claimed.exists() else "(none)"
        same = pulled == 0 and digest == layout.digest == claimed
        show.fact("the same", "yes: source, landed and the pull agree" if same
                  else f"no: source {layout.digest}, landed {claimed}")

        show.step("what the registry holds")
        for repo in (OURS, THEIRS):
            show.fact("", f"{repo + ':' + TAG:<28}{registry.storage.tag(repo, TAG) or 'nothing'}")
        show.fact("skopeo said", last_error(folder / "skopeo.txt"))

        show.step("measured")
        sent = sum(e["body_bytes"] for e in front.record.where("PATCH", repo=OURS))
        whole = not registry.problems(OURS, TAG)
        show.table(
            ("", "landed", "skopeo"),
            ("exit code", own_code, other_code),
            ("seconds", f"{own_s:.1f}", f"{other_s:.1f}"),
            ("tokens used", len(tokens_of(front, OURS)), len(tokens_of(front, THEIRS))),
            ("refusals met", len(refused(front, OURS)), len(refused(front, THEIRS))),
            ("tag in the registry", "whole" if whole else "no",
             "whole" if registry.whole(THEIRS, TAG) else "no"))
        show.fact("bytes sent", f"{sent / 1e6:.0f} MB by landed, "
                  f"for an image of {size / 1e6:.0f} MB")
        return own_code == 0 and whole and same


def main():
    args = options()
    show = Show(sys.stdout)
    landed = Path(args.landed).resolve()
    if not os.access(landed, os.X_OK):
        print(f"demo: no program at '{args.landed}'", file=sys.stderr)
        return 2
    # SystemExit unwinds every context above: children ended, directory gone
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="landed-demo-") as folder:
            return 0 if run(show, landed, Path(folder)) else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
