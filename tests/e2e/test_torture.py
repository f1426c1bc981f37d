"""The torture runner finds what it looks for: programs that claim, give up or hang are told apart
from one that lands."""
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/torture"))

import stand as stands  # noqa: E402
from kinds import FAULTS, PLACES, place_of  # noqa: E402
from sample import Lane, all_runs, lanes, spread  # noqa: E402
from stand import Run, Stand  # noqa: E402
from ways import SECRET, USER, WAYS  # noqa: E402

SKOPEO = (f"skopeo copy -q --all --dest-tls-verify=false --dest-creds {USER}:{SECRET} "
          '"$2:latest" "docker://$3"\n')


@pytest.fixture
def program(tmp_path):
    def make(script):
        path = tmp_path / "landed"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o700)
        return path
    return make


@pytest.fixture
def torture(tmp_path):
    """Runs it: (exit code, stdout, {cell: failed} of its report)."""
    def run(program, *options):
        report = tmp_path / "report.xml"
        done = subprocess.run([sys.executable, ROOT / "tests/torture/torture.py", "--landed",
                               program, "--junit", report, *options],
                              capture_output=True, text=True, timeout=120)
        cells = {(case.get("classname").partition(".")[2], case.get("name")):
                 case.find("failure") is not None for case in ET.parse(report).iter("testcase")}
        return done.returncode, done.stdout + done.stderr, cells
    return run


def tally(report):
    return subprocess.run([sys.executable, ROOT / "tools/lint/tally.py", report],
                          capture_output=True, text=True)


def test_who_lands_passes(landed, torture, tmp_path):
    code, told, cells = torture(landed.binary, "--way", "bearer", "--only", "500", "--request", "1")
    assert code == 0, told
    assert cells == {("none", "bearer"): False, ("500", "ping"): False}
    assert tally(tmp_path / "report.xml").stdout == "2 passed, 0 failed, 0 skipped\n"


def test_who_pushes_nothing_fails_without_a_fault(program, torture):
    code, told, cells = torture(program("exit 0\n"), "--way", "bearer")
    assert code == 1, told
    assert cells == {("none", "bearer"): True}
    assert "bearer: no fault: exit 0; in the registry: 1 is on nothing" in told


@pytest.mark.parametrize("script, code_told", [("exec " + SKOPEO, "exit 1"),
                                               (SKOPEO + "exit 0\n", "exit 0")],
                         ids=["gives-up", "claims"])
def test_who_needs_every_request_to_succeed_fails(script, code_told, program, torture, tmp_path):
    """skopeo, which repeats nothing when an upload is cut, and a script that hides its failure."""
    fake = program(script)
    code, told, cells = torture(fake, "--way", "bearer", "--only", "reset-midway")
    assert code == 1, told
    assert cells == {("none", "bearer"): False, ("reset-midway", "patch"): True,
                     ("reset-midway", "manifest"): True}
    assert f"{code_told}; in the registry: 1 is on nothing" in told
    assert f"--landed {fake} --way bearer --only reset-midway --request " in told
    assert tally(tmp_path / "report.xml").returncode == 1


def test_what_a_program_survives_is_told_apart(program, torture):
    """The same script, where the known client is patient."""
    code, told, cells = torture(program("exec " + SKOPEO), "--way", "bearer", "--only", "429",
                                "--request", "1")
    assert code == 0, told
    assert cells == {("none", "bearer"): False, ("429", "ping"): False}


def test_who_does_not_end_is_ended(program, tmp_path, monkeypatch):
    monkeypatch.setattr(stands, "RUN_MAX_S", 0.3)
    stand = Stand(program("exec sleep 600\n"))
    assert stand.execute([stand.landed], tmp_path) is None
    assert stand.processes == set()


@pytest.mark.parametrize("options", [
    ("--only", "bad-luck"), ("--way", "north"), ("--request", "0"), ("--request", "9999"),
    ("--only", "not-stored", "--request", "1"), ("--jobs", "0"), ("--seconds", "0"),
    ("--landed", "/nowhere"), ("nonsense",)], ids=" ".join)
def test_usage(options, landed):
    done = subprocess.run([sys.executable, ROOT / "tests/torture/torture.py", "--landed",
                           landed.binary, "--way", "bearer", *options],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr


# -- what is run


@pytest.mark.parametrize("method, path, origin, place", [
    ("GET", "/v2/", "front", "ping"), ("POST", "/v2/token", "front", "token"),
    ("HEAD", "/v2/a/blobs/sha256:1", "front", "head-blob"),
    ("POST", "/v2/a/blobs/uploads/", "front", "post"),
    ("PATCH", "/artifacts-uploads/x/uploads/up-1", "front", "patch"),
    ("PUT", "/v2/a/pkg/blobs/uploads/up-1?digest=sha256:1", "front", "commit"),
    ("PUT", "/v2/a/manifests/1", "front", "manifest"),
    ("GET", "/v2/a/manifests/sha256:1", "front", "get-manifest"),
    ("GET", "/v2/a/blobs/sha256:1", "front", "get-blob"),
    ("GET", "/v2/a/blobs/sha256:1", "other", "storage"),
    ("DELETE", "/v2/a/blobs/uploads/up-1", "front", None)])
def test_place(method, path, origin, place):
    assert place_of(method, path, origin) == place


def entry(seq, method, path, status, body_bytes=0):
    return {"seq": seq, "method": method, "path": path, "status": status, "origin": "front",
            "body_bytes": body_bytes}


RECORD = [entry(1, "GET", "/v2/", 401), entry(2, "HEAD", "/v2/a/blobs/sha256:1", 404),
          entry(3, "PATCH", "/v2/a/blobs/uploads/1", 202, 500),
          entry(4, "PUT", "/v2/a/blobs/uploads/1?digest=sha256:1", 201),
          entry(5, "PUT", "/v2/a/manifests/1", 201, 500)]


@pytest.mark.parametrize("fault, way, requests", [
    ("500", "bearer", {1, 2, 3, 4, 5}), ("404", "bearer", {1, 3, 4, 5}),
    ("401", "bearer", {2, 3, 4, 5}), ("reset-midway", "bearer", {3, 5}),
    ("not-stored", "bearer", {4, 5}), ("expired-token", "bearer", {2, 3, 4, 5}),
    ("expired-token", "password", set())])
def test_where_a_fault_fits(fault, way, requests):
    assert {run.request for run in all_runs(way, RECORD) if run.fault == fault} == requests


def test_a_sample_is_spread():
    runs = [run for way in WAYS for run in all_runs(way, RECORD)]
    cells = {(run.fault, run.place) for run in runs}
    ordered = spread(runs, 1)
    assert sorted(ordered) == sorted(runs)
    assert {(run.fault, run.place) for run in ordered[:len(cells)]} == cells
    assert ordered == spread(runs, 1) != spread(runs, 2)
    assert {run.way for run in ordered[:len(cells)]} == set(WAYS)


def test_nothing_is_begun_that_would_end_too_late():
    runs = [Run("bearer", "stall", 1, "patch"), Run("bearer", "not-stored", 2, "commit"),
            Run("bearer", "500", 3, "ping")]
    assert [len(lane.runs) for lane in lanes(runs, float("inf"))] == [2, 1]
    lane = Lane(runs, time.monotonic() + FAULTS["not-stored"].costs_s - 0.1)
    assert lane.take() == runs[2]
    assert lane.take() is None
    assert {run.place for run in runs} <= set(PLACES)
