"""The peer that plays the Kubernetes API server, held against the real kubectl, over TLS."""
import json
import re
import time

import pytest

from kube.cluster import Cluster
from kube.pods import is_ready
from kube_peers import APP, V2, Kubectl, ask, kubectls, wait_for

# the peer is held against kubectl when it changes, not in every check: kubectl takes its time
pytestmark = pytest.mark.long

FOUND = kubectls()
NEWEST = list(FOUND)[-1:] or ["kubectl"]
SPEED = 10
DEPLOYMENT, SET = "deployment/my-app", f"app={V2}"


@pytest.fixture
def start(tmp_path):
    """start(timeline, ...) gives (cluster, kubectl)."""
    running = []

    def begin(timeline, binary=NEWEST[0], user=None, **settings):
        if binary not in FOUND:
            pytest.skip(f"optional tool {binary} is not installed")
        cluster = Cluster(tmp_path / "kube", timeline, **{"speed": SPEED, **settings})
        cluster.__enter__()
        running.append(cluster)
        config = cluster.kubeconfig(user=cluster.certificate_user() if user else None)
        return cluster, Kubectl(FOUND[binary], cluster, tmp_path / "home", config)

    yield begin
    for cluster in running:
        cluster.__exit__()
    assert [bug for cluster in running for bug in cluster.bugs] == []


def ride(cluster, process, before=None):
    """Once PROCESS watches (and BEFORE() was done), time passes until it ends; its words."""
    try:
        wait_for(lambda: cluster.watches.each() or process.poll() is not None, 30)
        if before:
            before()
        for _ in range(3000):
            if process.poll() is not None:
                break
            cluster.clock.advance(0.1)
            time.sleep(0.005)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, out, err


def roll_out(start, timeline, kind="deployment", *options):
    """A new image under a clock that stands still until `rollout status` watches."""
    cluster, kubectl = start(timeline, speed=0)
    kubectl.good("set", "image", f"{kind}/my-app", SET)
    return ride(cluster, kubectl.start("rollout", "status", f"{kind}/my-app", *options))


# -- every kubectl that is there


@pytest.mark.parametrize("binary", FOUND or NEWEST)
def test_a_day_of_kubectl(binary, start):
    cluster, kubectl = start("good", binary)
    assert kubectl.good("set", "image", DEPLOYMENT, SET) == "deployment.apps/my-app image updated\n"
    sent = cluster.record.where("PATCH")[0]
    assert sent["query"] == {"fieldManager": "kubectl-set"}
    assert sent["body"] == {"spec": {"template": {"spec": {
        "$setElementOrder/containers": [{"name": "app"}],
        "containers": [{"image": V2, "name": "app"}]}}}}
    said = kubectl.good("rollout", "status", DEPLOYMENT)
    assert said.endswith('deployment "my-app" successfully rolled out\n')
    assert kubectl.good("set", "image", DEPLOYMENT, SET) == ""
    history = kubectl.good("rollout", "history", DEPLOYMENT)
    assert re.findall(r"^(\d)\s", history, re.M) == ["1", "2"]
    assert kubectl.good("rollout", "undo", DEPLOYMENT) == "deployment.apps/my-app rolled back\n"
    kubectl.good("rollout", "status", DEPLOYMENT)
    assert cluster.get("deployments", "my-app")["spec"]["template"]["spec"]["containers"][0][
        "image"].endswith(":v1")
    assert len(cluster.list("replicasets")) == 2
    lines = kubectl.good("get", "pods").splitlines()
    assert lines[0].split()[:4] == ["NAME", "READY", "STATUS", "RESTARTS"]
    assert kubectl.good("auth", "can-i", "patch", "deployments.apps") == "yes\n"
    assert "deployment.apps/my-app scaled" in kubectl.good("scale", DEPLOYMENT, "--replicas=3")
    wait_for(lambda: sum(map(is_ready, cluster.list("pods"))) == 3)


@pytest.mark.parametrize("binary", FOUND or NEWEST)
def test_watch_of_pods(binary, start):
    cluster, kubectl = start("good", binary)
    process = kubectl.start("get", "pods", "-w")
    try:
        wait_for(lambda: cluster.watches.each("pods"))
        kubectl.good("set", "image", DEPLOYMENT, SET)
        kubectl.good("rollout", "status", DEPLOYMENT)
        cluster.watches.cut("pods", "end")
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert out.count("NAME ") == 1 and "ContainerCreating" in out and "Terminating" in out, err


# -- ways to end


def test_deadline(start):
    """The only failure that `rollout status` knows."""
    code, out, err = roll_out(start, "deadline")
    assert (code, err) == (1, 'error: deployment "my-app" exceeded its progress deadline\n')
    assert "1 out of 2 new replicas have been updated" in out


def test_timeout(start):
    cluster, kubectl = start("image-missing")
    kubectl.good("set", "image", DEPLOYMENT, SET)
    code, _, err = kubectl("rollout", "status", DEPLOYMENT, "--timeout=2s")
    assert (code, err) == (1, "error: timed out waiting for the condition\n")
    wait_for(lambda: "ImagePullBackOff" in kubectl.good("get", "pods"), 30)
    assert "not found" in kubectl.good("get", "events")
    kubectl.good("rollout", "undo", DEPLOYMENT)
    kubectl.good("rollout", "status", DEPLOYMENT)
    assert len(cluster.list("replicasets")) == 2


def test_stateful_set(start):
    code, said, _ = roll_out(start, "good-statefulset", "statefulset")
    assert code == 0 and "Waiting for 1 pods to be ready..." in said
    assert said.endswith("partitioned roll out complete: 2 new pods have been updated...\n")


def test_undo_of_a_stateful_set(start):
    cluster, kubectl = start("good-statefulset")
    kubectl.good("set", "image", "statefulset/my-app", SET)
    kubectl.good("rollout", "status", "statefulset/my-app")
    assert "rolled back" in kubectl.good("rollout", "undo", "statefulset/my-app")
    assert cluster.get("statefulsets", "my-app")["spec"]["template"]["spec"]["containers"][0][
        "image"].endswith(":v1")
    wait_for(lambda: len(cluster.list("controllerrevisions")) == 2)


def test_stateful_set_that_needs_a_hand(start):
    cluster, kubectl = start("statefulset-broken")
    kubectl.good("set", "image", "statefulset/my-app", SET)
    code, out, _ = kubectl("rollout", "status", "statefulset/my-app", "--timeout=3s")
    assert code == 1 and "Waiting for 1 pods to be ready..." in out
    kubectl.good("delete", "pod", "my-app-1", "--wait=false")
    kubectl.good("rollout", "status", "statefulset/my-app")
    assert all(map(is_ready, cluster.list("pods")))


def test_daemon_set(start):
    code, said, _ = roll_out(start, "good-daemonset", "daemonset")
    assert code == 0 and said.endswith('daemon set "my-app" successfully rolled out\n')
    assert "out of 3 new pods have been updated" in said


@pytest.mark.parametrize("timeline, code, words, options", [
    ("zero-replicas", 0, "successfully rolled out", ()),
    ("paused", 1, "0 out of 2 new replicas have been updated", ("--timeout=3s",)),
    ("quota", 1, "0 out of 2 new replicas have been updated", ("--timeout=3s",)),
    ("deleted", 1, "object has been deleted", ()),
    ("first-rollout-missing", 1, "1 out of 2 new replicas have been updated",
     ("--timeout=3s",)),
    ("superseded", 0, "successfully rolled out", ()),
    ("hpa-up", 0, "successfully rolled out", ()),
    ("observed-late", 0, "Waiting for deployment spec update to be observed...", ()),
    ("qps-then-good", 0, "successfully rolled out", ()),
])
def test_status_of(timeline, code, words, options, start):
    got, out, err = roll_out(start, timeline, "deployment", *options)
    assert got == code and words in out + err, out + err


def test_cron_job(start):
    cluster, kubectl = start("good-cronjob")
    assert kubectl.good("set", "image", "cronjob/my-app", SET) \
        == "cronjob.batch/my-app image updated\n"
    assert cluster.get("cronjobs", "my-app")["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"][0]["image"] == V2


# -- what a client lives through


@pytest.mark.parametrize("how", ["reset", "close", "end", "expired"])
def test_status_survives_a_watch_that_ends(how, start):
    cluster, kubectl = start("good", speed=0)

    def cut():
        if how == "expired":
            cluster.store.compact()
        assert cluster.watches.cut("deployments", how) == 1

    kubectl.good("set", "image", DEPLOYMENT, SET)
    code, out, err = ride(cluster, kubectl.start("rollout", "status", DEPLOYMENT), cut)
    assert code == 0 and "successfully rolled out" in out, out + err
    asked = [e["verb"] for e in cluster.record.where("GET", resource="deployments")]
    assert asked[:4] == ["get", "get", "list", "watch"] and len(asked) > 4


@pytest.mark.parametrize("expired_as", ["event", "status"])
def test_status_survives_410(expired_as, start):
    """Its first watch begins at a version that is too old."""
    cluster, kubectl = start("good", speed=0)
    cluster.expired_as = expired_as

    def from_long_ago(call):
        call.query["resourceVersion"] = "1"
        call.proceed()

    rule = cluster.plan.add(at="watch", action={"do": from_long_ago})
    kubectl.good("set", "image", DEPLOYMENT, SET)
    process = kubectl.start("rollout", "status", DEPLOYMENT)
    wait_for(lambda: rule.fired, 30)
    code, out, err = ride(cluster, process)
    assert code == 0 and "successfully rolled out" in out, out + err


def test_throttled(start):
    """kubectl waits as Retry-After says, and asks again."""
    cluster, kubectl = start("good")
    rule = cluster.plan.add(at="patch", action={
        "do": "answer", "status": 429, "headers": {"Retry-After": "1"},
        "body": "Too many requests, please try again later.\n"})
    kubectl.good("set", "image", DEPLOYMENT, SET)
    assert rule.fired == 1 and cluster.record.count("PATCH") == 2


# -- patches, in kubectl's words


@pytest.mark.parametrize("kind, body, code, words", [
    ("strategic", {"spec": {"template": {"spec": {"containers": [
        {"name": "app", "env": [{"name": "A", "value": "1"}]}]}}}}, 0, "patched"),
    ("merge", {"spec": {"replicas": 3}}, 0, "patched"),
    ("merge", {"spec": {"replicas": 2}}, 0, "patched (no change)"),
    ("json", [{"op": "replace", "path": "/spec/replicas", "value": 4}], 0, "patched"),
    ("json", [{"op": "test", "path": "/spec/replicas", "value": 9}], 1,
     "The request is invalid"),
    ("strategic", {"metadata": {"resourceVersion": "1"}}, 1,
     'Error from server (Conflict): Operation cannot be fulfilled on deployments.apps "my-app"'),
    ("strategic", {"spec": {"template": {"spec": {"containers": [{"name": "x"}]}}}}, 1,
     'The Deployment "my-app" is invalid: spec.template.spec.containers[1].image: Required value'),
])
def test_patch(kind, body, code, words, start):
    _, kubectl = start("good")
    got, out, err = kubectl("patch", DEPLOYMENT, f"--type={kind}", "-p", json.dumps(body))
    assert got == code and words in out + err, out + err


# -- who asks


def test_client_certificate(start):
    cluster, kubectl = start("good", user="admin")
    kubectl.good("get", "pods")
    entry = cluster.record.where("GET", "/pods")[0]
    assert (entry["certificate"], entry["token"], entry["user"]) == ("admin", None, "admin")


def test_dead_token(start):
    cluster, kubectl = start("good")
    kubectl.good("get", "pods")
    cluster.access.kill_tokens()
    code, _, err = kubectl("get", "pods")
    assert code == 1 and "You must be logged in to the server" in err


def test_missing_rights(start):
    cluster, kubectl = start("events-forbidden")
    code, _, err = kubectl("get", "events")
    assert (code, err) == (1, 'Error from server (Forbidden): events is forbidden: User "admin" '
                           'cannot list resource "events" in API group "" in the namespace '
                           '"default"\n')
    assert kubectl("auth", "can-i", "list", "events")[1] == "no\n"
    kubectl.good("get", "pods")


@pytest.mark.parametrize("args, words", [
    (("get", "deployment", "x"),
     'Error from server (NotFound): deployments.apps "x" not found\n'),
    (("set", "image", DEPLOYMENT, "nosuch=a"),
     'error: unable to find container named "nosuch"\n'),
    (("logs", "nosuch"), 'pods "nosuch" not found'),
])
def test_words_of_a_refusal(args, words, start):
    _, kubectl = start("good")
    code, _, err = kubectl(*args)
    assert code == 1 and words in err


def test_server_dry_run(start):
    cluster, kubectl = start("good")
    said = kubectl.good("set", "image", DEPLOYMENT, SET, "--dry-run=server")
    assert said == "deployment.apps/my-app image updated (server dry run)\n"
    assert cluster.get("deployments", "my-app")["metadata"]["generation"] == 1


def test_the_same_over_plain_http(start):
    cluster, kubectl = start("good", tls=False)
    kubectl.good("set", "image", DEPLOYMENT, SET)
    kubectl.good("rollout", "status", DEPLOYMENT)
    assert ask(cluster, "GET", APP)[2]["status"]["updatedReplicas"] == 2
