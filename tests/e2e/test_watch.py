"""landed watch: what it is told, what it says, and what befalls its watches.  The verdicts: test_watch_timelines.py."""
import json
import re

import pytest

from kube import bulk
from kube_peers import Kubectl, change_image, kubectls, wait_for
from rollouts import follow, result_of, watch

ABSENT = "nosuch"


@pytest.fixture
def landed_image(landed, front, repo, image):
    """An image that the registry has, whole."""
    ref = f"{front.address}/{repo}:v2"
    done = landed.push(image.source(), ref)
    assert done.code == 0, str(done)
    return ref


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
    assert done.code == 130, str(done)
    assert result_of(done)["rollout"]["verdict"] == "undecided"


# -- what befalls the watches

WATCHED = ("deployments", "replicasets", "pods", "events")


def begin(landed, made, image):
    """A watch of a rollout that has just begun, once all its streams are open."""
    change_image(made, image)
    running = landed.start("watch", "deploy/my-app", "-o", "json", "--timeout", "60s",
                           *landed.credential(), env={"KUBECONFIG": str(made.kubeconfig())})
    wait_for(lambda: all(made.watches.each(what) for what in WATCHED))
    return running


@pytest.mark.parametrize("how", ["reset", "torn", "close", "end", "expired"])
def test_watches_that_are_cut(how, landed, cluster, landed_image):
    """What happens meanwhile is not missed."""
    made = cluster("good", speed=0.5)
    running = begin(landed, made, landed_image)
    for what in WATCHED:
        assert made.watches.cut(what, how) == 1
    done = running.wait()
    assert done.code == 0 and result_of(done)["verdict"] == "running", str(done)


@pytest.mark.parametrize("expired_as", ["event", "status"])
def test_history_that_is_gone(expired_as, landed, cluster, landed_image):
    """410: everything is listed anew."""
    made = cluster("good", speed=0.5)
    made.expired_as = expired_as
    running = begin(landed, made, landed_image)
    made.store.compact()
    for what in WATCHED:
        made.watches.cut(what, "end")
    done = running.wait()
    assert done.code == 0 and result_of(done)["verdict"] == "running", str(done)


def test_server_that_restarts(landed, cluster, landed_image):
    """Nothing answers for a while, and the streams are gone."""
    made = cluster("image-missing", speed=0.5)
    running = begin(landed, made, landed_image.replace(":v2", ":" + ABSENT))
    made.plan.add(at="watch", times=8, action={"do": "answer", "status": 503})
    for what in WATCHED:
        made.watches.cut(what, "reset")
    done = running.wait()
    assert done.code == 50 and result_of(done)["verdict"] == "did-not-land", str(done)


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
    assert done.code == result_of(done)["exit"] == 55, str(done)
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
    done, _ = follow(landed, made, landed_image)
    kind = made.stage.timeline.kind.lower()
    binary = next(iter(kubectls().values()), None)
    if not binary:
        pytest.skip("optional tool kubectl is not installed")
    theirs, out, err = Kubectl(binary, made, tmp_path)("rollout", "status", f"{kind}/my-app")
    assert (done.code, theirs) == (0, 0), out + err
