"""landed watch: each timeline of the peer ends in its verdict and exit code, through what befalls the watches."""
import json
import re

import pytest

from kube import bulk
from kube.cluster import Cluster
from kube_peers import Kubectl, change_image, kubectls, wait_for

ABSENT = "nosuch"


@pytest.fixture
def cluster(tmp_path):
    """Starts clusters: cluster("image-missing", speed=20)."""
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
def landed_image(landed, front, repo, image):
    """An image that the registry has, whole."""
    ref = f"{front.address}/{repo}:v2"
    done = landed.push(image.source(), ref)
    assert done.code == 0, str(done)
    return ref


def watch(landed, cluster, *args, **how):
    kind = cluster.stage.timeline.kind.lower()
    env = {"KUBECONFIG": str(cluster.kubeconfig())}
    return landed("watch", f"{kind}/my-app", *args, *landed.credential(), env=env, **how)


def verdict(done):
    return json.loads(done.out)


def follow(landed, cluster, image, *args):
    """Exit code and the result of a watch that begins with the rollout."""
    change_image(cluster, image)
    done = watch(landed, cluster, "-o", "json", *args)
    result = verdict(done)
    assert result["exit"] == done.code, str(done)
    return done.code, result


# -- usage

@pytest.mark.parametrize("args, words", [
    ((), "watch needs a KIND/NAME"),
    (("deploy/a", "deploy/b"), "watch follows one KIND/NAME"),
    (("my-app",), "'my-app' is not KIND/NAME"),
    (("pod/my-app",), "'pod' is no kind"),
    (("deploy/My_App",), "'My_App' is not the name of a deployment"),
    (("cronjob/my-app",), "a cronjob rolls nothing out"),
    (("deploy/a", "--kube-auth", "magic"), "--kube-auth"),
    (("deploy/a", "--cluster", "my-cluster"), "my-cluster"),
    (("deploy/a", "--cluster", "projects/p/locations/l/clusters/c", "--context", "x"),
     "no --context is read beside it"),
    (("deploy/a", "--kubeconfig", "/nonexistent"), "/nonexistent"),
])
def test_bad_usage(landed, args, words):
    done = landed("watch", *args)
    assert done.code == 2 and words in done.err, str(done)


def test_what_is_not_there(landed, cluster):
    done = landed("watch", "deploy/nosuch",
                  env={"KUBECONFIG": str(cluster("good").kubeconfig())})
    assert done.code == 2 and 'deployments.apps "nosuch" not found' in done.err, str(done)


# -- verdicts

GOOD = ["good", "good-init", "good-many", "good-recreate", "good-statefulset", "good-daemonset",
        "observed-late", "stale-deadline", "hpa-up", "hpa-down", "image-late", "qps-then-good",
        "registry-reboot-then-good", "slow-pull", "ready-late", "crash-once-then-good"]


@pytest.mark.parametrize("name", GOOD)
def test_good_end(landed, cluster, landed_image, name):
    code, result = follow(landed, cluster(name, speed=60), landed_image, "--timeout", "60s")
    assert (code, result["verdict"]) == (0, "running"), result
    assert result["rollout"]["pods"]["ready"] == result["rollout"]["pods"]["wanted"] > 0


@pytest.mark.parametrize("name", ["image-missing", "image-missing-init", "statefulset-missing",
                                  "daemonset-missing", "stale-deadline-then-missing",
                                  "events-none"])
def test_push_did_not_land(landed, cluster, landed_image, name):
    """Its repository is there, the tag is not: said as soon as a node says so."""
    image = landed_image.replace(":v2", ":" + ABSENT)
    code, result = follow(landed, cluster(name), image, "--timeout", "30s")
    assert (code, result["verdict"]) == (50, "did-not-land"), result
    assert result["rollout"]["registry"]["says"] == "absent"


@pytest.mark.parametrize("name", ["image-missing", "daemonset-missing", "events-none"])
def test_registry_has_it(landed, cluster, landed_image, name):
    """The node says "not found", the registry shows it whole: never "did not land"."""
    code, result = follow(landed, cluster(name), landed_image, "--timeout", "6s")
    assert (code, result["verdict"]) == (51, "not-pulled"), result
    assert result["rollout"]["why"] == "registry-disagrees"
    assert result["rollout"]["registry"]["says"] == "whole"


@pytest.mark.parametrize("name, code, word", [
    ("denied", 51, "not-pulled"), ("invalid-name", 51, "name-or-policy"),
    ("never-pulled", 51, "name-or-policy"), ("crash-loop", 52, "crashes"),
    ("exits-0", 52, "crashes"), ("oom", 52, "crashes"),
    ("quota", 55, "refused"), ("webhook", 55, "refused"), ("zero-replicas", 3, "not-proven"),
    ("paused", 3, "not-proven"), ("unschedulable", 53, None), ("never-ready", 53, "still-waiting"),
])
def test_bad_end(landed, cluster, landed_image, name, code, word):
    limit = "6s" if code == 53 else "90s"
    found, result = follow(landed, cluster(name, speed=60), landed_image, "--timeout", limit)
    assert found == code and word in (None, result["verdict"]), result


@pytest.mark.parametrize("name, speed", [("superseded", 0.2), ("deleted", 1)])
def test_superseded(landed, cluster, landed_image, name, speed):
    """Slow enough that the watch is there before it happens."""
    code, result = follow(landed, cluster(name, speed=speed), landed_image)
    assert (code, result["verdict"]) == (54, "superseded"), result


# -- what is said, and how

def test_text(landed, cluster, landed_image):
    made = cluster("image-missing")
    change_image(made, landed_image.replace(":v2", ":" + ABSENT))
    done = watch(landed, made)
    assert done.code == 50 and done.out == ""
    assert re.search(r"^  deployment/my-app: ", done.err, re.M)      # what is seen before it is over
    assert re.search(r"^pod my-app-\S+ on node-1, container app: ", done.err, re.M)
    assert [line for line in done.err.splitlines() if line.startswith("landed: ")] == [
        "landed: deployment/my-app: the image never landed: "
        f"'{landed_image.replace(':v2', ':' + ABSENT)}'; the registry does not have it"]


def test_quiet_and_two_operands(landed, cluster, landed_image):
    made = cluster("good")
    change_image(made, landed_image)
    done = landed("watch", "Deployments.apps", "my-app", "-q",
                  env={"KUBECONFIG": str(made.kubeconfig())})
    assert (done.code, done.err) == (0, ""), str(done)
    assert done.out == "deployment/my-app: runs what was pushed: 2 of 2 pods are ready\n"


def test_progress_json(landed, cluster, landed_image):
    made = cluster("never-ready")
    change_image(made, landed_image)
    done = watch(landed, made, "--progress", "json", "--timeout", "6s")
    events = [json.loads(line) for line in done.err.splitlines()]
    phases = [e["text"] for e in events if e["event"] == "phase"]
    assert done.code == 53 and len(set(phases)) > 1, str(done)
    assert all(a != b for a, b in zip(phases, phases[1:])), phases
    assert events[-1]["event"] == "error"


def test_interrupted(landed, cluster, landed_image):
    made = cluster("never-ready")
    change_image(made, landed_image)
    running = landed.start("watch", "deploy/my-app", "-o", "json",
                           env={"KUBECONFIG": str(made.kubeconfig())})
    wait_for(lambda: len(made.watches.each("pods")) > 0)
    running.process.send_signal(2)
    done = running.wait()
    result = verdict(done)
    assert done.code == 130 and result["exit"] == 130, str(done)
    assert result["rollout"]["verdict"] == "undecided"


# -- what befalls the watches

def test_events_not_readable(landed, cluster, landed_image):
    made = cluster("image-missing")
    made.access.deny("list|watch", "events")
    change_image(made, landed_image.replace(":v2", ":" + ABSENT))
    done = watch(landed, made)
    assert done.code == 50, str(done)
    assert done.err.count("events cannot be read, going on without them") == 1


def test_pods_not_readable(landed, cluster, landed_image):
    made = cluster("good")
    made.access.deny("list|watch", "pods")
    change_image(made, landed_image)
    done = watch(landed, made)
    assert done.code == 3 and "we may not read pods" in done.err, str(done)


@pytest.mark.parametrize("verb", ["get", "list"])
def test_workload_not_readable(landed, cluster, landed_image, verb):
    made = cluster("good", speed=1)
    made.access.deny(verb, "deployments.apps")
    change_image(made, landed_image)
    done = watch(landed, made, "-o", "json")
    assert done.code == 55 and verdict(done)["exit"] == 55, str(done)
    assert f"this login has no right to {verb} 'deployments.apps'" in done.err


def test_crowd(landed, cluster, landed_image):
    """5,000 pods of nobody's with the same label, and 10,000 changes of them, are no pods of ours."""
    made = cluster("never-ready", speed=60)
    bulk.fill(made, 5000, namespace="default", labels={"app": "my-app"})
    change_image(made, landed_image)
    bulk.churn(made, 10000, namespace="default")
    done = watch(landed, made, "--timeout", "15s")
    assert done.code == 53, str(done)


@pytest.mark.parametrize("name", ["good", "good-statefulset", "good-daemonset"])
def test_kubectl_agrees(landed, cluster, landed_image, name, tmp_path):
    made = cluster(name)
    code, _ = follow(landed, made, landed_image)
    kind = made.stage.timeline.kind.lower()
    binary = next(iter(kubectls().values()), None)
    if not binary:
        pytest.skip("optional tool kubectl is not installed")
    theirs, out, err = Kubectl(binary, made, tmp_path)("rollout", "status", f"{kind}/my-app")
    assert (code, theirs) == (0, 0), out + err
