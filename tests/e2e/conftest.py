"""What every end-to-end test stands on: a real registry, a front that misbehaves, the program.

The registry is started once per test process and shared; each test has a repository of its own.
The front is started per test.  Verdicts on the program come from the registry's storage
(peers/truth.py) and from skopeo, never from the program's own words.
"""
import collections
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/peers"))

import engine  # noqa: E402
import images  # noqa: E402
from engine_peer import EnginePeer  # noqa: E402
from front import Front  # noqa: E402
from gate import Gate  # noqa: E402
from googleauth import Google  # noqa: E402
from googleauth.files import Files  # noqa: E402
from kube.cluster import Cluster  # noqa: E402
from registry import Registry  # noqa: E402

MARKS = {
    "long": "one of a wide table's cases that only ./dev check-long runs",
    "smoke": "also on the release binary",
    "tsan": "also under ThreadSanitizer",
    "valgrind": "one push under valgrind",
}

# Of a test with parameters every check runs one case in so many, always the same ones and the first; check-long
# runs all.  Wide tables have a number of their own.
ONE_IN_ELSE = 6
ONE_IN = {"test_case[once": 10, "test_case[": 6, "test_push_of_many_lives": 9, "test_killed_at": 8,
          "test_refused_for_ever": 5, "test_at_a_moment": 4, "test_at_a_request": 4,
          "test_refused_inside_a_body": 4, "test_away_for_a_while": 6, "test_reference": 4,
          "test_source[": 3, "test_rotated_file": 3, "test_usage": 2, "test_every_layout": 3,
          "test_tokens_that_die_fail_the_known_client": 3, "test_push_through_every_shape": 2,
          "test_lives_that_are_told_wrong": 3, "test_killed_hard_at": 4, "test_bounded_memory": 6,
          "test_realm_inside": 3, "test_verify_of_a_manifest_with": 6, "test_two_pushes": 4,
          "test_source_that_changes_before": 4, "test_source_that_changes_while": 3,
          "test_clock_that_is_set": 3, "test_half_open": 6, "test_refused_for_a_while": 5,
          "test_stream_that_is_reset": 3, "test_token_endpoint_away": 5,
          "test_http2_server_that_restarts": 3, "test_push_outlives_its_tokens": 8,
          "test_timeline_that": 1, "test_strategic_merge": 1, "test_merge": 1,
          "test_json_patch": 1, "test_refused_patch": 1, "test_refused_read": 1,
          "test_label_selector": 1, "test_watch_that_is_cut[": 1,
          "test_watches_that_are_cut[": 3, "test_history_that": 1, "test_status_of": 2,
          "test_every_timeline[": 9,
          "test_by_name_and_back": 1, "test_passing_fault": 12, "test_broken_is_never_anonymous": 4}

SMOKE = ("test_layout", "test_real_tokens", "test_oci_archive", "test_docker_save_pipe")
THREADS = ("test_layout", "test_killed_at", "test_at_a_moment", "test_rotated_file",
           "test_tokens_of_few_requests")


def pytest_configure(config):
    for mark in MARKS.items():
        config.addinivalue_line("markers", ": ".join(mark))


def one_in(name):
    otherwise = ONE_IN_ELSE if "[" in name else 1
    return next((n for start, n in ONE_IN.items() if name.startswith(start)), otherwise)


def pytest_collection_modifyitems(items):
    seen = collections.Counter()
    for item in items:
        name = item.nodeid.rpartition("::")[2]
        function = name.partition("[")[0]
        chosen = seen[function, one_in(name)] % one_in(name) == 0
        seen[function, one_in(name)] += 1
        if not chosen:
            item.add_marker("long")
        if function in SMOKE:
            item.add_marker("smoke")
        if function in THREADS and chosen:
            item.add_marker("tsan")
        if function == "test_oci_archive":
            item.add_marker("valgrind")


USER, SECRET = "oauth2accesstoken", "ya29.secret-of-the-test"
HARD_TIMEOUT_S = 60
IMAGE_SIZE = 600_000
PROGRAM = os.environ.get("LANDED") or str(ROOT / "build/release/landed")


@dataclass
class Done:
    """How a run of the program ended."""
    code: int
    out: str
    err: str
    seconds: float

    @property
    def last(self):
        """The last line of stdout: the result."""
        lines = self.out.strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def digest(self):
        return self.last.partition("@")[2]

    def __str__(self):
        return (f"exit {self.code} after {self.seconds:.1f} s\n"
                f"-- stdout\n{self.out}-- stderr\n{self.err}")


def hear_signals():
    """A suite that was started in the background has these ignored, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Running:
    """The program while it runs, in a process group of its own.  BEFORE is called in the child."""

    def __init__(self, args, env, stdin, before=None):
        def begin():
            hear_signals()
            if before:
                before()

        self.started = time.monotonic()
        self.process = subprocess.Popen(
            args, env=env, stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=begin)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait(self, timeout=HARD_TIMEOUT_S):
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self.process.communicate()
            pytest.fail(f"the program hangs: no end after {timeout} s\n"
                        + err.decode(errors="replace"))
        return Done(self.process.returncode, out.decode(errors="replace"),
                    err.decode(errors="replace"), time.monotonic() - self.started)

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Landed:
    """Runs the program with a home and an environment that hold nothing of the machine's user."""

    def __init__(self, home):
        self.home = home
        self.binary = PROGRAM
        if not os.access(self.binary, os.X_OK):
            pytest.fail(f"no program at {self.binary}: build it, or name it in LANDED")
        (home / "docker").mkdir(parents=True, exist_ok=True)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8",
                    "DOCKER_CONFIG": str(home / "docker"), "XDG_CONFIG_HOME": str(home / "config"),
                    "XDG_CACHE_HOME": str(home / "cache"), "XDG_RUNTIME_DIR": str(home / "run"),
                    "TMPDIR": str(home)}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.children = []

    def start(self, *args, env=None, stdin=None, before=None):
        running = Running([self.binary, *map(str, args)], self.env | (env or {}), stdin, before)
        self.children.append(running)
        return running

    def __call__(self, *args, env=None, stdin=None, before=None, timeout=HARD_TIMEOUT_S):
        return self.start(*args, env=env, stdin=stdin, before=before).wait(timeout)

    def credential(self, secret=SECRET, user=USER):
        """Options that name this credential by a file."""
        path = self.home / "credential"
        path.write_text(secret + "\n")
        path.chmod(0o600)
        return ("--cred", f"file:{path}", "--cred-user", user)

    def push(self, source, *refs_and_options, **how):
        """A push with the front's usual credential."""
        return self("push", source, *refs_and_options, *self.credential(), **how)

    def verify(self, *refs_and_options, **how):
        return self("verify", *refs_and_options, *self.credential(), **how)

    def write_docker_config(self, document, name="config.json"):
        path = self.home / "docker" / name
        path.write_text(json.dumps(document))
        path.chmod(0o600)
        return path

    def write_helper(self, name, script):
        """An executable NAME on the program's PATH."""
        folder = self.home / "bin"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_text(script)
        path.chmod(0o700)
        self.env["PATH"] = f"{folder}:{os.environ['PATH']}"
        return path


@pytest.fixture
def landed(tmp_path):
    program = Landed(tmp_path / "home")
    yield program
    for running in program.children:
        running.kill()


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


numbers = itertools.count(1)


@pytest.fixture
def repo():
    """A repository that no other test uses."""
    return f"acme/web/app{next(numbers)}"


@pytest.fixture
def make_front(registry):
    """Starts fronts: make_front(life=5, shape="gar", ...); keys of Gate go to the gate."""
    running = []

    def make(shape="gar", mode="bearer", user=USER, secret=SECRET, upstream=None, **settings):
        gate_keys = Gate.__dataclass_fields__.keys() & settings.keys()
        gate = Gate(mode, **{key: settings.pop(key) for key in gate_keys})
        if secret:
            gate.allow(user, secret)
        front = Front((upstream or registry).url, gate, shape, **settings)
        front.__enter__()
        running.append(front)
        return front

    yield make
    for front in running:
        front.__exit__()
    assert [bug for front in running for bug in front.bugs] == []


@pytest.fixture
def front(make_front):
    """Artifact Registry's shape, tokens that live for an hour, no faults."""
    return make_front()


@pytest.fixture
def google():
    """Google's endpoints; its tokens open a front made by make_front(google=google)."""
    with Google() as running:
        yield running
    assert running.bugs == []


@pytest.fixture
def files(google, tmp_path):
    """Makes credential files for `google`."""
    return Files(google, tmp_path / "files")


@pytest.fixture
def place():
    """A folder with a short name: a socket's path has a short limit."""
    with tempfile.TemporaryDirectory(prefix="landed-engine-") as folder:
        yield Path(folder)


@pytest.fixture
def make_peer(place):
    """make_peer(FLAVOUR, ...): see EnginePeer; it ends with the test."""
    running = []

    def make(*args, **how):
        running.append(EnginePeer(place, *args, **how).__enter__())
        return running[-1]

    yield make
    for peer in running:
        peer.__exit__(None, None, None)
        assert peer.bugs == []


def started_engine(kind, missing):
    if missing:
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="landed-engine-") as folder:
        with kind(Path(folder)) as running:
            yield running


@pytest.fixture(scope="session")
def dockerd():
    """The real one; each test has images of its own."""
    yield from started_engine(engine.Engine, engine.missing())


@pytest.fixture(scope="session")
def podman():
    yield from started_engine(engine.Podman, engine.podman_missing())


@pytest.fixture
def cluster(tmp_path):
    """Starts peers of the API server: cluster("image-missing", speed=20)."""
    running = []

    def make(timeline, speed=20, **changes):
        made = Cluster(tmp_path / f"kube-{len(running)}", timeline, speed=speed, **changes)
        running.append(made.__enter__())
        return made

    yield make
    for one in running:
        one.__exit__(None, None, None)
    assert [bug for one in running for bug in one.bugs] == []


@pytest.fixture
def image(tmp_path):
    """Three layers of 200 kB each."""
    return images.single(tmp_path / "image", size=IMAGE_SIZE)


def skopeo(*args, timeout=60):
    return subprocess.run(["skopeo", *map(str, args)], capture_output=True, text=True,
                          timeout=timeout)


def pull(registry, repo, reference, folder):
    """skopeo's second opinion: its error text, or "" if it pulls every byte of every platform."""
    joint = "@" if reference.startswith("sha256:") else ":"
    done = skopeo("copy", "-q", "--all", "--src-tls-verify=false",
                  f"docker://{registry.address}/{repo}{joint}{reference}", f"dir:{folder}")
    return done.stderr if done.returncode else ""


def assert_landed(done, registry, repo, tag, digest):
    """Exit 0, the digest on stdout, and the storage agrees."""
    assert done.code == 0, str(done)
    assert done.digest == digest, str(done)
    assert registry.storage.tag(repo, tag) == digest
    assert registry.problems(repo, tag) == []


def assert_told_once(done):
    """A failure is told by one line "landed: ..." (further lines may say what to do)."""
    assert done.err.strip(), "a failure without a word"
    assert SECRET not in done.err + done.out
    errors = [line for line in done.err.splitlines() if line.startswith("landed: ")]
    assert len(errors) <= 1, done.err
