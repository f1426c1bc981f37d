"""The promise, shown on one machine: a push that outlives its tokens, and the proof that it landed.

A real docker-registry stands behind a front that plays Artifact Registry with tokens of five
seconds, on a link so slow that the image needs several of them.  `landed` and skopeo push the same
image at the same time; then, where a dockerd may be started, `landed` and `docker push` one that is
in the engine.  Everything lives in a temporary directory and on loopback.

    demo.py --landed build/release/landed
"""
import argparse
import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parents[1] / "tests" / d) for d in ("peers", "e2e"))]

import engine  # noqa: E402
from front import Front  # noqa: E402
from gate import Gate  # noqa: E402
from machine import build_image, tar_of_files  # noqa: E402
from registry import Registry  # noqa: E402
from show import Show  # noqa: E402

TOKEN_LIFE_S = 5
LINK_S = 16               # so long the image needs alone; with the other tool beside it, longer
ENGINE_LINK_S, ENGINE_BYTES = 8, 40 << 20
PUSH_MAX_S = 120
USER, SECRET = "oauth2accesstoken", "demo-credential"
OURS, THEIRS, TAG = "acme/web/app", "acme/web/app-by-skopeo", "1.4"
ENGINE_OURS, ENGINE_THEIRS = "acme/web/api", "acme/web/api-by-docker"


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


def our_credential(folder):
    return ["--cred", f"exec:{credential_command(folder)}", "--cred-user", USER]


def push_both(show, ours, theirs, env, output_path):
    """landed in the foreground, the other one beside it; (seconds, exit code) of each."""
    show.command(ours)
    show.command(theirs, beside=True)
    show.line()
    started = time.monotonic()
    with open(output_path, "wb") as output, \
            child(theirs, stdout=output, stderr=output, env=env) as other, \
            child(ours, env=env) as own:
        ends = {}
        while len(ends) < 2 and time.monotonic() - started < PUSH_MAX_S:
            for name, process in (("landed", own), ("other", other)):
                if name not in ends and process.poll() is not None:
                    ends[name] = (time.monotonic() - started, process.returncode)
            time.sleep(0.05)
    show.line()
    return ends.get("landed", (PUSH_MAX_S, None)), ends.get("other", (PUSH_MAX_S, None))


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
        (own_s, own_code), (other_s, other_code) = push_both(
            show,
            [landed, "push", layout.source(), f"{front.address}/{OURS}:{TAG}",
             *our_credential(folder), "--timeline", "--digest-file", folder / "digest"],
            ["skopeo", "copy", "--dest-tls-verify=false", "--dest-creds", f"{USER}:{SECRET}",
             layout.source("latest"), f"docker://{front.address}/{THEIRS}:{TAG}"],
            clean_environment(folder), folder / "skopeo.txt")

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


# -- from an engine


def no_engine():
    """Why none is started, or ""."""
    return engine.missing() or ("dockerd wants root" if os.getuid() else "")


def docker_login(folder, address):
    """docker's own file, as docker login would leave it."""
    secret = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": secret}}}))


def last_line(path):
    return (path.read_text(errors="replace").strip().splitlines() or ["(no output)"])[-1]


def run_engine(show, landed, folder, docker):
    """The same from a real dockerd, whose layers are still to be compressed."""
    gate = Gate("bearer", life=TOKEN_LIFE_S).allow(USER, SECRET)
    rate = ENGINE_BYTES // 3 // ENGINE_LINK_S
    with Registry(folder / "registry") as registry, \
            Front(registry.url, gate, "gar", rate=rate) as front:
        show.step("an image in a dockerd of its own, pushed from there by both")
        ours, theirs = (f"{front.address}/{r}:{TAG}" for r in (ENGINE_OURS, ENGINE_THEIRS))
        id = docker.make(ours, tar_of_files("/usr/lib", ENGINE_BYTES))
        docker.tag(ours, theirs)
        docker_login(folder, front.address)
        show.fact("image", f"{id[:19]}…  one layer, {ENGINE_BYTES / 1e6:.0f} MB uncompressed")
        show.fact("link", f"{rate / 1e6:.1f} MB/s in all, tokens live {TOKEN_LIFE_S} s")
        env = clean_environment(folder) | {"DOCKER_HOST": docker.url}
        (own_s, own_code), (other_s, other_code) = push_both(
            show, [landed, "push", ours, *our_credential(folder)], ["docker", "push", theirs],
            env, folder / "docker.txt")
        whole = not registry.problems(ENGINE_OURS, TAG)
        digest = registry.storage.tag(ENGINE_OURS, TAG)
        pulled = docker.pull(f"{registry.address}/{ENGINE_OURS}@{digest}") if whole else "(nothing)"
        show.fact("docker said", last_line(folder / "docker.txt"))
        show.fact("docker pulls", f"{pulled[:19]}…, " + ("the same image" if pulled == id
                                                         else "another image"))
        show.table(
            ("", "landed", "docker"),
            ("exit code", own_code, other_code),
            ("seconds", f"{own_s:.1f}", f"{other_s:.1f}"),
            ("tokens used", len(tokens_of(front, ENGINE_OURS)),
             len(tokens_of(front, ENGINE_THEIRS))),
            ("tag in the registry", "whole" if whole else "no",
             "whole" if registry.whole(ENGINE_THEIRS, TAG) else "no"))
        return own_code == 0 and whole and pulled == id


def engine_part(show, landed, folder):
    why = no_engine()
    if why:
        show.step(f"from an engine: not shown, {why}")
        return True
    folder.mkdir()
    with engine.Engine(folder) as docker:
        return run_engine(show, landed, folder, docker)


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
            return 0 if run(show, landed, Path(folder)) and \
                engine_part(show, landed, Path(folder) / "engine") else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
