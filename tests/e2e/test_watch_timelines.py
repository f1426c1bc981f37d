"""landed watch: every timeline of the peer ends in the verdict and exit code that docs/deploy.md promises."""
from dataclasses import dataclass

import pytest

import images
from kube import timelines
from rollouts import follow

ABSENT = "nosuch"
HEALS = {"speed": 4}     # slow enough that the trouble is seen before it is over
SLOW = {"speed": 0.2}    # ... and that the watch is there before it happens
LIMIT_S = 6              # of what only the deadline ends


@dataclass(frozen=True)
class Owed:
    """IMAGE: what the registry has, see IMAGES.  LATE: nothing but the deadline may end it."""
    code: int
    verdict: str
    image: str = "whole"
    speed: float = 20
    late: bool = False
    why: str | None = None
    cause: str | None = None


def runs(**how):
    return Owed(0, "running", **how)


def never_landed(**how):
    return Owed(50, "did-not-land", "absent", **how)


def incomplete(image, cause):
    return Owed(50, "incomplete", image, cause=cause)


def denied(cause="denied", **how):
    return Owed(51, "not-pulled", cause=cause, **how)


def crashes(cause):
    return Owed(52, "crashes", cause=cause, speed=60)


def late(cause=None, verdict="still-waiting"):
    return Owed(53, verdict, late=True, cause=cause)


OWED = {
    # it runs, at once or in the end
    "good": runs(), "good-init": runs(), "good-many": runs(), "good-recreate": runs(),
    "good-statefulset": runs(), "good-parallel": runs(), "good-daemonset": runs(),
    "good-partition": runs(why="partition"), "arm64-node": runs(),
    "observed-late": runs(**HEALS), "stale-deadline": runs(), "hpa-up": runs(**SLOW),
    "hpa-down": runs(**SLOW), "image-id-other": runs(), "image-id-config": runs(),
    "image-id-index": runs(), "quota-then-good": runs(speed=1), "image-late": runs(**HEALS),
    "qps-then-good": runs(**HEALS), "registry-reboot-then-good": runs(**HEALS),
    "secret-late-then-good": runs(speed=2), "slow-pull": runs(), "ready-late": runs(**HEALS),
    "crash-once-then-good": runs(speed=1), "flapping": runs(**HEALS),
    # the push did not land
    **{name: never_landed() for name in (
        "image-missing", "image-missing-containerd-1.6", "image-missing-containerd-2",
        "image-missing-crio", "image-missing-docker", "image-missing-before-1.32",
        "image-missing-init", "denied-several", "deadline", "stale-deadline-then-missing",
        "first-rollout-missing", "statefulset-missing", "daemonset-missing", "hpa-up-missing",
        "events-late", "events-none", "events-forbidden")},
    **{name: incomplete("other-platform", "platform-missing") for name in (
        "platform-missing", "platform-missing-containerd-2", "platform-missing-crio",
        "platform-missing-docker")},
    "layer-missing": incomplete("without-a-layer", "blob-missing"),
    "config-missing": incomplete("without-a-layer", "blob-missing"),
    # the node may not pull it
    **{name: denied() for name in (
        "denied", "denied-containerd-1.6", "denied-containerd-2", "denied-gar-text",
        "denied-crio", "denied-secret", "denied-no-events", "layer-denied-containerd-2")},
    "denied-anonymous": denied("anonymous"), "denied-some": denied(),
    "unknown-ca": Owed(51, "name-or-policy", cause="tls"),
    "invalid-name": Owed(51, "name-or-policy", cause="bad-name"),
    "never-pulled": Owed(51, "name-or-policy", cause="policy"),
    # it was pulled and does not live
    "crash-loop": crashes("crash"), "crash-loop-init": crashes("crash"),
    "exits-0": crashes("crash"), "oom": crashes("out-of-memory"),
    "command-missing": crashes("not-executable"),
    # it cannot be placed, or is late: what may heal has until the deadline
    "bad-config": Owed(53, "not-placed", cause="config"),
    "statefulset-broken": Owed(53, "not-placed", why="blocked"),
    "registry-down": late("network"), "registry-busy": late("rate-limited"),
    "name-unknown": late("dns"), "pull-hangs": late(), "daemonset-node-away": late(),
    "never-ready": late("not-ready"), "pods-forbidden": late(),
    "bad-mount": late("mount", "not-placed"), "bad-sandbox": late("sandbox", "not-placed"),
    "unschedulable": late("unschedulable", "not-placed"),
    # another rollout
    "superseded": Owed(54, "superseded", why="other-template", **SLOW),
    "superseded-missing": Owed(54, "superseded", why="other-template", speed=1),
    "reverted": Owed(54, "superseded", why="other-template", **SLOW),
    "deleted": Owed(54, "superseded", why="deleted", speed=1),
    # the cluster refuses it
    "quota": Owed(55, "refused", cause="quota"), "webhook": Owed(55, "refused", cause="admission"),
    # nothing failed, and nothing shows that it works
    "zero-replicas": Owed(3, "not-proven", why="no-replicas"),
    "paused": Owed(3, "not-proven", why="paused"),
    "paused-later": Owed(3, "not-proven", why="paused"),
}
USAGE = {"good-cronjob"}


def test_every_timeline_is_owed_a_verdict():
    assert {*OWED, *USAGE} == set(timelines.names())


def without_a_layer(registry, repo, made):
    lost = made.manifest()["layers"][-1]["digest"]
    assert registry.delete_blob(repo, lost) == 202


@pytest.fixture
def image_of(landed, front, registry, repo, tmp_path):
    """image_of(KIND): the name of an image that the registry has so."""
    def make(kind):
        ref = f"{front.address}/{repo}:v2"
        if kind == "other-platform":
            made = images.multi(tmp_path / "pushed", platforms=(("linux", "s390x"),))
        else:
            made = images.single(tmp_path / "pushed", size=2000, layers=2)
        done = landed.push(made.source(), ref)
        assert done.code == 0, str(done)
        if kind == "without-a-layer":
            without_a_layer(registry, repo, made)
        return ref.replace(":v2", ":" + ABSENT) if kind == "absent" else ref
    return make


@pytest.mark.parametrize("name", OWED)
def test_every_timeline(landed, cluster, image_of, name):
    owed = OWED[name]
    limit = ("--timeout", f"{LIMIT_S}s") if owed.late else ()
    done, result = follow(landed, cluster(name, owed.speed), image_of(owed.image), *limit)
    rollout = result["rollout"]
    assert (done.code, result["verdict"]) == (owed.code, owed.verdict), str(done)
    assert owed.why in (None, rollout.get("why")), rollout
    assert owed.cause in (None, rollout.get("cause")), rollout
    if owed.late:
        assert done.seconds >= LIMIT_S
    if owed.code == 0:
        assert rollout["pods"]["ready"] == rollout["pods"]["wanted"] > 0
    if owed.image == "absent":
        assert rollout["registry"]["says"] == "absent"
