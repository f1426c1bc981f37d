"""Each timeline of the peer ends as its real model does: played at once, on a clock that leaps."""
import pytest

from kube import timelines
from kube.cluster import Cluster
from kube.pods import is_ready
from kube_peers import V2, change_image

HOUR_S = 3600


def play(folder, name, seconds=HOUR_S, image=V2, **changes):
    """The cluster so long after a client changed the image; what its watchers heard meanwhile."""
    with Cluster(folder, name, speed=0, tls=False, **changes) as cluster:
        version = cluster.store.version
        change_image(cluster, image)
        cluster.clock.advance(seconds)
        cluster.heard = [change for resource in cluster.store.log
                         for change in cluster.store.since(resource, version)]
    return cluster


def workload(cluster):
    return cluster.store.get(cluster.stage.resource, *cluster.stage.key)


def conditions(cluster):
    return {c["type"]: (c["status"], c["reason"])
            for c in workload(cluster)["status"].get("conditions", ())}


def complete(cluster):
    """As `kubectl rollout status` sees it."""
    obj = workload(cluster)
    spec, status = obj["spec"], obj["status"]
    if obj["kind"] == "DaemonSet":
        return status["desiredNumberScheduled"] == status.get("updatedNumberScheduled") \
            == status.get("numberAvailable")
    least = status["replicas"] if obj["kind"] == "StatefulSet" else spec["replicas"]
    return status.get("replicas", 0) == least and status["observedGeneration"] \
        == obj["metadata"]["generation"] and status.get("readyReplicas", 0) == spec["replicas"] \
        and (status.get("updatedReplicas", 0) == spec["replicas"]
             or status.get("updateRevision", "") != "")


def reasons(cluster):
    """Waiting reasons in the order in which pods told them."""
    found = []
    for change in cluster.heard:
        status = change.obj.get("status", {})
        for field in ("initContainerStatuses", "containerStatuses"):
            for container in status.get(field, ()):
                reason = container["state"].get("waiting", {}).get("reason")
                if reason and reason not in found and reason not in BEGINNING:
                    found.append(reason)
    return found


def messages(cluster):
    return {e["message"] for e in cluster.list("events")}


BEGINNING = ("ContainerCreating", "PodInitializing")
PULL = ["ErrImagePull", "ImagePullBackOff"]
CRASH = ["CrashLoopBackOff"]
DONE = {
    "good": [], "good-init": [], "good-many": [], "good-recreate": [], "good-statefulset": [],
    "good-parallel": [], "good-partition": [], "good-daemonset": [], "arm64-node": [],
    "stale-deadline": ["ErrImagePull"], "observed-late": [], "quota-then-good": [],
    "superseded": [],
    "superseded-missing": PULL[:1], "reverted": [], "hpa-up": [], "hpa-down": [],
    "image-id-other": [], "image-id-config": [], "image-id-index": [],
    "image-late": PULL, "qps-then-good": PULL, "registry-reboot-then-good": PULL,
    "secret-late-then-good": PULL, "slow-pull": [], "crash-once-then-good": [], "ready-late": [],
    "flapping": [], "zero-replicas": [],
}
STUCK = {
    **{name: PULL for name in timelines.pull.ERRORS}, "image-missing-before-1.32": PULL,
    "image-missing-init": PULL, "deadline": PULL, "stale-deadline-then-missing": PULL,
    "statefulset-missing": PULL, "daemonset-missing": PULL, "first-rollout-missing": PULL,
    "hpa-up-missing": PULL, "events-late": PULL, "events-none": PULL, "events-forbidden": PULL,
    "pods-forbidden": PULL, "denied-no-events": PULL, "quota": [], "webhook": [], "paused": [],
    "paused-later": [], "statefulset-broken": PULL[::-1], "denied-some": PULL,
    "daemonset-node-away": [], "pull-hangs": [],
    "invalid-name": ["InvalidImageName"], "never-pulled": ["ErrImageNeverPull"],
    "crash-loop": CRASH, "exits-0": CRASH, "oom": CRASH, "crash-loop-init": CRASH,
    "command-missing": ["RunContainerError", *CRASH], "bad-config": ["CreateContainerConfigError"],
    "bad-mount": [], "bad-sandbox": [], "never-ready": [], "unschedulable": [],
}
OTHER = {"deleted", "good-cronjob"}


def test_every_timeline_is_told_of():
    assert {*DONE, *STUCK, *OTHER} == set(timelines.names())
    assert not {*DONE} & {*STUCK}


@pytest.mark.parametrize("name", DONE)
def test_timeline_that_ends_well(name, tmp_path):
    cluster = play(tmp_path, name)
    assert complete(cluster), workload(cluster)["status"]
    assert reasons(cluster) == DONE[name]
    assert all(map(is_ready, cluster.list("pods")))


@pytest.mark.parametrize("name", STUCK)
def test_timeline_that_does_not_end(name, tmp_path):
    cluster = play(tmp_path, name)
    assert not complete(cluster), workload(cluster)["status"]
    assert reasons(cluster) == STUCK[name]


@pytest.mark.parametrize("name", ["image-missing", "denied", "crash-loop", "quota", "unschedulable",
                                  "webhook", "never-ready"])
def test_deadline_is_the_only_word_of_a_deployment(name, tmp_path):
    before = play(tmp_path / "a", name, 599)
    assert conditions(before)["Progressing"][0] == "True"
    after = play(tmp_path / "b", name, 640)
    assert conditions(after)["Progressing"] == ("False", "ProgressDeadlineExceeded")
    assert conditions(after)["Available"] == ("True", "MinimumReplicasAvailable")


def test_first_seconds_of_a_missing_image(tmp_path):
    """The times and texts that were observed on a real node, in their order."""
    cluster = play(tmp_path, "image-missing", 20, "127.0.0.1:5500/app:nosuch")
    text = ('rpc error: code = NotFound desc = failed to pull and unpack image '
            '"127.0.0.1:5500/app:nosuch": failed to resolve reference "127.0.0.1:5500/app:nosuch": '
            "127.0.0.1:5500/app:nosuch: not found")
    told = [c.obj["status"]["containerStatuses"][0]["state"]["waiting"].get("message")
            for c in cluster.heard if c.obj["kind"] == "Pod"
            and "waiting" in c.obj["status"].get("containerStatuses", [{"state": {}}])[0]["state"]]
    assert told == [None, text,
                    f'Back-off pulling image "127.0.0.1:5500/app:nosuch": ErrImagePull: {text}']
    assert {f'Failed to pull image "127.0.0.1:5500/app:nosuch": {text}', "Error: ErrImagePull",
            'Pulling image "127.0.0.1:5500/app:nosuch"', "Error: ImagePullBackOff",
            'Back-off pulling image "127.0.0.1:5500/app:nosuch"'} <= messages(cluster)
    status = workload(cluster)["status"]
    assert (status["replicas"], status["updatedReplicas"], status["readyReplicas"],
            status["availableReplicas"], status["unavailableReplicas"]) == (3, 1, 2, 2, 1)


def test_events_dry_up(tmp_path):
    """25 for each pod, then one in five minutes: an hour of attempts is not an hour of events."""
    cluster = play(tmp_path, "image-missing")
    pod = next(p for p in cluster.list("pods") if not is_ready(p))
    counts = sum(e.get("count", 0) for e in cluster.list("events")
                 if e["involvedObject"]["uid"] == pod["metadata"]["uid"]
                 and e["reportingComponent"] == "kubelet")
    assert 25 <= counts <= 27


def test_stale_condition_names_the_old_replica_set(tmp_path):
    cluster = play(tmp_path, "stale-deadline", 0.5)
    stale = next(c for c in workload(cluster)["status"]["conditions"] if c["type"] == "Progressing")
    assert stale["reason"] == "ProgressDeadlineExceeded"
    assert workload(cluster)["metadata"]["generation"] \
        > workload(cluster)["status"]["observedGeneration"]
    assert complete(play(tmp_path / "b", "stale-deadline", 60))


def test_quota_is_told_by_conditions_alone(tmp_path):
    cluster = play(tmp_path, "quota", 2)
    assert conditions(cluster)["ReplicaFailure"] == ("True", "FailedCreate")
    assert len(cluster.list("pods")) == 2
    assert any("exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2" in m
               for m in messages(cluster))


@pytest.mark.parametrize("name, heals", [("statefulset-broken", False), ("good-parallel", True)])
def test_broken_pod_of_a_stateful_set(name, heals, tmp_path):
    """OrderedReady never touches it again: it has to be deleted by hand."""
    with Cluster(tmp_path, name, speed=0, tls=False) as cluster:
        change_image(cluster)
        cluster.clock.advance(600)
        broken = [p for p in cluster.list("pods") if not is_ready(p)]
        assert (broken == []) == heals
        if broken:
            assert [p["metadata"]["name"] for p in broken] == ["my-app-1"]
            with cluster.store.lock:
                cluster.kubelet.terminate(broken[0])
            cluster.clock.advance(60)
        status = workload(cluster)["status"]
        assert status["updatedReplicas"] == status["readyReplicas"] == 2
        assert status["currentRevision"] == status["updateRevision"]
        assert {p["spec"]["containers"][0]["image"] for p in cluster.list("pods")} == {V2}


@pytest.mark.parametrize("name, image_id", [
    ("good", r"registry.test/acme/web@sha256:"), ("image-id-config", "sha256:"),
    ("image-id-other", "registry.test/acme/web-mirror@sha256:"),
    ("image-id-index", "registry.test/acme/web@sha256:")])
def test_image_id(name, image_id, tmp_path):
    digest = "sha256:" + "ab" * 32
    cluster = play(tmp_path, name, 60, f"registry.test/acme/web:v2@{digest}")
    told = cluster.list("pods")[0]["status"]["containerStatuses"][0]["imageID"]
    assert told.startswith(image_id)
    assert (digest in told) == (name in ("good", "image-id-other"))


def test_availability_is_kept(tmp_path):
    """Never fewer than replicas - maxUnavailable, never more than replicas + maxSurge."""
    cluster = play(tmp_path, "good-many", 120)
    seen = [c.obj["status"] for c in cluster.heard if c.obj["kind"] == "Deployment"]
    assert min(s.get("availableReplicas", 0) for s in seen) >= 10
    assert max(s.get("replicas", 0) for s in seen) <= 14


def test_the_same_seed_tells_the_same_story(tmp_path):
    def story(seed):
        cluster = play(tmp_path / str(seed), "image-missing", 120, seed=seed)
        return [(c.type, c.obj["kind"], c.obj["metadata"]["name"], c.obj["metadata"]["uid"])
                for c in cluster.heard]
    assert story(1) == story(1) != story(2)


def test_deleted(tmp_path):
    cluster = play(tmp_path, "deleted")
    assert cluster.list("deployments") == [] and cluster.list("pods") == []
