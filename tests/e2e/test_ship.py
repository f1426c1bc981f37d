"""landed ship: from a real engine or an archive, through a real registry, into the peer of the API server."""
import json

import pytest

import actions
import archives
import images
from conftest import assert_told_once
from kube.cluster import Cluster
from kube import timelines

SPEED = 20


class Dock:
    """A cluster that runs v1 of the image; v2 is still in a layout."""

    def __init__(self, landed, front, repo, folder, timeline):
        self.landed, self.front, self.repo = landed, front, repo
        self.cluster = Cluster(folder / "cluster", speed=SPEED)
        self.cluster.__enter__()
        self.old, self.new = (f"{front.address}/{repo}:v{n}" for n in (1, 2))
        old = images.single(folder / "old", size=2000, layers=1, seed=1)
        assert landed.push(old.source(), self.old).code == 0
        self.made = images.single(folder / "new", size=20_000, layers=2, seed=2)
        self.cluster.stage = timelines.Stage(self.cluster, timelines.get(timeline), image=self.old)
        self.workload = f"{self.cluster.stage.timeline.kind.lower()}/my-app"
        self.env = {"KUBECONFIG": str(self.cluster.kubeconfig())}

    @property
    def pinned(self):
        return f"{self.new}@{self.made.digest}"

    def ship(self, *words, env=None):
        return self.landed("ship", *words, *self.landed.credential(), env=self.env | (env or {}))

    def ship_new(self, *words):
        return self.ship("--source", self.made.source(), self.new, self.workload, *words)

    def image(self):
        obj = self.cluster.store.get(self.cluster.stage.resource, *self.cluster.stage.key)
        return obj["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.fixture
def dock(landed, front, repo, tmp_path):
    running = []

    def make(timeline="good"):
        running.append(Dock(landed, front, repo, tmp_path, timeline))
        return running[-1]

    yield make
    for one in running:
        one.cluster.__exit__()
    assert [bug for one in running for bug in one.cluster.bugs] == []


BAD_WORDS = [
    (("ship",), "ship needs IMAGE and KIND/NAME"),
    (("ship", "r.example/a:1"), "ship needs IMAGE and KIND/NAME"),
    (("ship", "r.example/a:1", "deploy/x", "app", "more"), "ship needs IMAGE and KIND/NAME"),
    (("ship", "--ref", "r.example/a:1"), "ship --ref needs KIND/NAME"),
    (("ship", "--ref", "r.example/a:1", "deploy/x", "app", "more"), "ship --ref needs KIND/NAME"),
    (("ship", "--ref", "r.example/a:1", "--source", "oci:x", "deploy/x"), "--ref has landed"),
    (("ship", "--ref", "r.example/a:1", "--receipt", "x", "deploy/x"), "no --receipt of one"),
    (("ship", "--dry-run", "r.example/a:1", "deploy/x"), "cannot be rehearsed"),
    (("ship", "r.example/a:1", "pod/x"), "'pod' is no kind"),
    (("ship", "UPPER/a:1:2", "deploy/x"), "UPPER"),
]


@pytest.mark.parametrize("words, message", BAD_WORDS)
def test_bad_words(words, message, landed):
    done = landed(*words)
    assert done.code == 2 and message in done.err and not done.out, str(done)
    assert_told_once(done)


def test_shipped(dock):
    one = dock()
    done = one.ship_new()
    assert done.code == 0 and done.out == one.pinned + "\n", str(done)
    assert one.image() == one.pinned
    assert "Landed." in done.err and "runs what was pushed" in done.err


def test_shipped_from_an_engine(dock, dockerd, tmp_path):
    """What is in the engine under IMAGE is what runs."""
    one = dock()
    dockerd.load(archives.classic(tmp_path / "app.tar", "acme/ship:1", 30_000, 8100), "acme/ship:1")
    dockerd.tag("acme/ship:1", one.new)
    done = one.ship(one.new, one.workload, env={"DOCKER_HOST": dockerd.url})
    assert done.code == 0, str(done)
    assert done.last == one.image() and one.image().startswith(one.new + "@sha256:")


def test_json_has_both_steps(dock):
    one = dock()
    done = one.ship_new("app", "-o", "json")
    push, deploy = map(json.loads, done.out.splitlines())
    assert (push["command"], deploy["command"]) == ("push", "deploy"), str(done)
    assert push["digest"] == deploy["images"][0]["digest"] == one.made.digest
    assert (push["exit"], deploy["exit"], done.code) == (0, 0, 0)


def test_what_has_landed_is_not_pushed(dock):
    one = dock()
    assert one.landed.push(one.made.source(), one.new).code == 0
    uploads = len(one.front.record.where("POST", "/blobs/uploads/"))
    done = one.ship("--ref", one.new, one.workload)
    assert done.code == 0 and done.out == one.pinned + "\n", str(done)
    assert len(one.front.record.where("POST", "/blobs/uploads/")) == uploads


def test_tag_that_moved_in_between(dock, tmp_path):
    """Somebody else's push lands under the tag right after ours: the name means another image now."""
    one = dock()
    theirs = images.single(tmp_path / "theirs", size=2000, layers=1, seed=3)
    pushed = []

    def push(exchange):
        pushed.append(one.landed.push(theirs.source(), one.new).code)
        return actions.proceed(exchange)

    one.cluster.plan.add(at="get", nth=2, action={"do": push})
    done = one.ship_new("--wait=no")
    assert pushed == [0] and done.code == 11 and one.image() == one.old, str(done)
    assert_told_once(done)


NOTHING_PUSHED = {
    "container": (("nosuch",), 2, "has no container 'nosuch'"),
    "namespace": (("-n", "nosuch"), 2, "nosuch"),
}


@pytest.mark.parametrize("name", NOTHING_PUSHED)
def test_cluster_is_asked_before_anything_is_sent(name, dock):
    words, code, message = NOTHING_PUSHED[name]
    one = dock()
    uploads = len(one.front.record.where("POST", "/blobs/uploads/"))
    done = one.ship_new(*words)
    assert done.code == code and message in done.err and "nothing was pushed" in done.err, str(done)
    assert_told_once(done)
    assert len(one.front.record.where("POST", "/blobs/uploads/")) == uploads


def test_push_that_fails_deploys_nothing(dock):
    one = dock()
    one.front.plan.add(at="put-tag", times=0, action={"do": "answer", "status": 403})
    done = one.ship_new()
    assert done.code in (20, 21) and one.image() == one.old and not done.out, str(done)
    assert_told_once(done)


def test_rollout_is_the_exit_code(dock):
    one = dock("crash-loop")
    done = one.ship_new("--rollback-on-failure")
    assert done.code == 52 and one.image() == one.old and not done.out, str(done)
    assert_told_once(done)


def test_rollout_has_a_timeout_of_its_own(dock):
    one = dock("never-ready")
    done = one.ship_new("--rollout-timeout", "3s", "--timeout", "5m")
    assert done.code == 53 and one.image() == one.pinned, str(done)
