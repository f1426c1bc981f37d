"""landed deploy: proven in a real registry, patched into the peer of the API server, and what kubectl sees of it."""
import json
import signal

import pytest

import actions
import images
from conftest import assert_told_once
from kube import timelines
from kube.cluster import Cluster
from kube.resources import BY_NAME
from kube.seeds import node, workload
from kube.timelines.scripts import Script, crashing
from kube_peers import Kubectl, kubectls, wait_for

SPEED = 20
CRASHES, SILENT = Script(crashing(1, "Error")), Script(())
THEIRS = "registry.test/acme/web:of-somebody-else"


class Scene:
    """A workload "my-app" that runs v1, which its registry has; v2 is another image there."""

    def __init__(self, landed, front, repo, folder, timeline, **changes):
        self.landed, self.front, self.repo = landed, front, repo
        self.cluster = Cluster(folder / "cluster", speed=SPEED)
        self.cluster.__enter__()
        self.old, self.new = (f"{front.address}/{repo}:v{n}" for n in (1, 2))
        self.digests = {}
        for n, ref in enumerate((self.old, self.new), 1):
            made = images.single(folder / f"image{n}", size=2000, layers=1, seed=n)
            done = landed.push(made.source(), ref)
            assert done.code == 0, str(done)
            self.digests[ref] = made.digest
        self.cluster.stage = timelines.Stage(
            self.cluster, timelines.get(timeline, **changes), image=self.old)
        self.kind = self.cluster.stage.timeline.kind.lower()
        self.env = {"KUBECONFIG": str(self.cluster.kubeconfig())}

    @property
    def pinned(self):
        return f"{self.new}@{self.digests[self.new]}"

    def deploy(self, *words, container="app", image=None, env=None):
        return self.landed("deploy", f"{self.kind}/my-app", f"{container}={image or self.new}",
                           *words, *self.landed.credential(), env=self.env | (env or {}))

    def image(self, field="containers", index=0):
        obj = self.cluster.store.get(self.cluster.stage.resource, *self.cluster.stage.key)
        spec = obj["spec"]["jobTemplate"]["spec"] if "jobTemplate" in obj["spec"] else obj["spec"]
        return spec["template"]["spec"][field][index]["image"]

    def patches(self):
        """What was stored, a dry run is not."""
        return [e for e in self.cluster.record.where("PATCH", "/my-app")
                if "dryRun" not in e["path"]]


@pytest.fixture
def stage(landed, front, repo, tmp_path):
    running = []

    def make(timeline="good", **changes):
        running.append(Scene(landed, front, repo, tmp_path, timeline, **changes))
        return running[-1]

    yield make
    for scene in running:
        scene.cluster.__exit__()
    assert [bug for scene in running for bug in scene.cluster.bugs] == []


# -- nothing is changed


def assert_untouched(scene, done, code):
    assert done.code == code, str(done)
    assert_told_once(done)
    assert scene.image() == scene.old and not scene.patches()
    assert done.out == ""


BAD_WORDS = [
    (("deploy",), "deploy needs KIND/NAME and CONTAINER=REF"),
    (("deploy", "deployment/my-app"), "deploy needs KIND/NAME and CONTAINER=REF"),
    (("deploy", "my-app", "app=r.example/a:1"), "'my-app' is not KIND/NAME"),
    (("deploy", "pod/my-app", "app=r.example/a:1"), "'pod' is no kind"),
    (("deploy", "deploy/my-app", "r.example/a:1"), "is not CONTAINER=REF"),
    (("deploy", "deploy/my-app", "app=UPPER/Bad:::"), "UPPER"),
    (("deploy", "deploy/my-app", "app=r.example/a:1", "--platform", "linux"), "--platform"),
]


@pytest.mark.parametrize("words, message", BAD_WORDS)
def test_bad_words(words, message, landed):
    done = landed(*words)
    assert done.code == 2 and message in done.err, str(done)
    assert_told_once(done)


def test_image_is_missing_in_the_registry(stage):
    scene = stage()
    done = scene.deploy(image=scene.new + "-nosuch")
    assert_untouched(scene, done, 10)
    assert "nothing was changed" in done.err and "landed verify" in done.err


def test_blob_is_missing_in_the_registry(stage):
    scene = stage()
    scene.front.plan.add(at="head-blob", times=0, action={"do": "answer", "status": 404})
    assert_untouched(scene, scene.deploy(), 12)


def test_platform_is_missing(stage):
    scene = stage("arm64-node")
    done = scene.deploy("--wait=no")
    assert_untouched(scene, done, 12)
    assert "linux/arm64" in done.err and "it is for linux/amd64" in done.err
    done = scene.deploy("--wait=no", "--platform", "linux/amd64")
    assert done.code == 0 and scene.image() == scene.pinned, str(done)


def test_nodes_that_the_pods_do_not_go_to_do_not_count(stage):
    scene = stage()
    away = node("node-2", "arm64")
    away["spec"]["taints"] = [{"key": "kubernetes.io/arch", "value": "arm64",
                               "effect": "NoSchedule"}]
    scene.cluster.store.create(BY_NAME["nodes"], away)
    done = scene.deploy("--wait=no")
    assert done.code == 0, str(done)


def test_container_is_unknown(stage):
    scene = stage()
    done = scene.deploy(container="nosuch")
    assert_untouched(scene, done, 2)
    assert "no container 'nosuch'" in done.err and "its containers are: app" in done.err


def test_workload_is_unknown(stage):
    scene = stage()
    done = scene.landed("deploy", "deployment/nosuch", f"app={scene.new}",
                        *scene.landed.credential(), env=scene.env)
    assert_untouched(scene, done, 2)
    assert "deployment/nosuch in namespace 'default'" in done.err


def test_dry_run(stage):
    scene = stage()
    done = scene.deploy("--dry-run")
    assert done.code == 0 and done.last == scene.pinned, str(done)
    assert "nothing was changed" in done.err
    assert scene.image() == scene.old and not scene.patches()
    assert scene.cluster.record.where("PATCH", "dryRun=All")


@pytest.mark.parametrize("verb, resource", [("get", "deployments.apps"),
                                            ("patch", "deployments.apps")])
def test_right_is_missing(verb, resource, stage):
    scene = stage()
    scene.cluster.access.deny(verb, resource)
    done = scene.deploy("--wait=no")
    assert_untouched(scene, done, 55)
    assert "forbidden" in done.err.lower()


def test_nodes_may_not_be_read(stage):
    scene = stage("arm64-node")
    scene.cluster.access.deny("list", "nodes")
    done = scene.deploy("--wait=no")
    assert done.code == 0 and scene.image() == scene.pinned, str(done)
    assert "nodes may not be read" in done.err


# -- what is changed


def test_patched_by_digest(stage):
    """kubectl sees the reference with tag and digest."""
    scene = stage()
    done = scene.deploy("--wait=no")
    assert done.code == 0 and done.last == scene.pinned, str(done)
    assert scene.image() == scene.pinned and len(scene.patches()) == 1
    for binary in list(kubectls().values())[:1]:
        kubectl = Kubectl(binary, scene.cluster, scene.landed.home)
        assert kubectl.good("get", "deployment/my-app", "-o", "jsonpath={"
                            ".spec.template.spec.containers[0].image}") == scene.pinned


def test_init_container(stage):
    scene = stage("good-init")
    done = scene.deploy("--wait=no", container="setup")
    assert done.code == 0, str(done)
    assert scene.image("initContainers") == scene.pinned and scene.image() == scene.old


def test_all_containers(stage):
    scene = stage("good-init")
    done = scene.deploy("--wait=no", container="*")
    assert done.code == 0, str(done)
    assert scene.image("initContainers") == scene.image() == scene.pinned


def test_cronjob_is_patched_and_not_followed(stage):
    scene = stage("good-cronjob")
    done = scene.deploy()
    assert done.code == 0 and done.last == scene.pinned, str(done)
    assert scene.image() == scene.pinned and "its next job runs it" in done.err


def test_nothing_to_change(stage):
    scene = stage()
    assert scene.deploy("--wait=no").code == 0
    before = len(scene.patches())
    done = scene.deploy("--wait=no")
    assert done.code == 0 and done.last == scene.pinned, str(done)
    assert "nothing to change" in done.err and len(scene.patches()) == before


def test_json(stage):
    scene = stage()
    done = scene.deploy("--wait=no", "-o", "json")
    said = json.loads(done.out)
    assert done.code == 0 and said["verdict"] == "landed" and said["patched"], str(done)
    assert said["images"] == [{"container": "app", "ref": scene.new, "before": scene.old,
                               "image": scene.pinned, "digest": scene.digests[scene.new]}]
    done = scene.deploy("-o", "json", image=scene.new + "-nosuch")
    said = json.loads(done.out)
    assert said["exit"] == done.code == 10 and not said["patched"], str(done)


def interfere(scene, nth):
    """Somebody else patches right before this request of ours is handled."""
    def do(exchange):
        scene.cluster.stage.image(THEIRS)
        return actions.proceed(exchange)
    scene.cluster.plan.add(at="patch", nth=nth, action={"do": do})


@pytest.mark.parametrize("nth", [1, 2], ids=["at-the-dry-run", "at-the-patch"])
def test_somebody_else_was_faster(nth, stage):
    """Between our read and our patch: nothing is overwritten."""
    scene = stage()
    interfere(scene, nth)
    done = scene.deploy("--wait=no")
    assert done.code == 54, str(done)
    assert "somebody else has changed deployment/my-app in between" in done.err
    assert scene.image() == THEIRS and THEIRS in done.err


def test_way_back_is_gone(stage, registry):
    scene = stage()
    gone = f"{scene.front.address}/{scene.repo}:gone"
    scene.cluster.stage.image(gone)
    done = scene.deploy("--wait=no")
    assert done.code == 0 and f"a rollback would need '{gone}'" in done.err, str(done)


# -- what is followed


def test_good(stage):
    scene = stage()
    done = scene.deploy()
    assert done.code == 0 and done.last == scene.pinned, str(done)
    assert done.out.count("\n") == 1 and scene.image() == scene.pinned


@pytest.mark.parametrize("timeline", ["good-init", "good-statefulset", "good-daemonset"])
def test_good_of_every_kind(timeline, stage):
    scene = stage(timeline)
    done = scene.deploy(container="*")
    assert done.code == 0 and done.last == scene.pinned, str(done)


FAILURES = {
    "denied": (51, "landed: deployment/my-app"),
    "crash-loop": (52, "landed: deployment/my-app"),
    "quota": (55, "landed: deployment/my-app"),
    "superseded": (54, "landed: deployment/my-app"),
    "statefulset-missing": (51, "landed: statefulset/my-app"),
}


@pytest.mark.parametrize("timeline", FAILURES)
def test_verdict_is_the_exit_code(timeline, stage):
    code, words = FAILURES[timeline]
    scene = stage(timeline)
    done = scene.deploy("--timeout", "20s")
    assert done.code == code and words in done.err and not done.out, str(done)
    assert_told_once(done)


def test_verdict_in_json(stage):
    scene = stage("crash-loop")
    done = scene.deploy("-o", "json")
    said = json.loads(done.out)
    assert done.code == 52 and said["exit"] == 52 and said["verdict"] == "crashes", str(done)
    assert said["rollout"]["evidence"] and said["patched"] and not said["rolledBack"]


def test_no_op_is_followed(stage):
    scene = stage()
    assert scene.deploy().code == 0
    patches = len(scene.patches())
    done = scene.deploy()
    assert done.code in (0, 3) and "nothing to change" in done.err, str(done)
    assert len(scene.patches()) == patches


# -- the way back


def test_rolled_back(stage):
    scene = stage("crash-loop")
    done = scene.deploy("--rollback-on-failure")
    assert done.code == 52 and "rolled back" in done.err, str(done)
    assert scene.image() == scene.old and len(scene.patches()) == 2


def test_statefulset_loses_its_broken_pod(stage):
    scene = stage("statefulset-missing")
    done = scene.deploy("--rollback-on-failure", "-o", "json", "--timeout", "20s")
    assert done.code in (50, 51) and scene.image() == scene.old, str(done)
    assert json.loads(done.out)["rolledBack"]
    assert scene.cluster.record.where("DELETE", "/pods/my-app-"), done.err


def test_not_rolled_back_over_somebody_else(stage):
    """Superseded is no failure of ours to undo."""
    scene = stage("superseded-missing")
    done = scene.deploy("--rollback-on-failure", "--timeout", "20s")
    assert done.code == 54 and len(scene.patches()) == 1, str(done)


def test_not_rolled_back_when_somebody_was_faster(stage):
    """Our patch back meets their image: it stays."""
    scene = stage("crash-loop")
    interfere(scene, 3)
    done = scene.deploy("--rollback-on-failure")
    assert done.code == 52 and "not rolled back" in done.err, str(done)
    assert scene.image() == THEIRS


def test_answer_to_the_patch_is_lost(stage):
    """It is sent again, its precondition fails, and what is there is ours."""
    scene = stage()
    scene.cluster.plan.add(at="patch", nth=2, action={"do": "cut", "bytes": 0})
    done = scene.deploy("--wait=no")
    assert done.code == 0 and scene.image() == scene.pinned, str(done)


# -- several at once


def beside(scene, name="worker", kind="Deployment", labels=None, **how):
    """Another workload in the same namespace."""
    resource, obj = workload(kind, name, scene.old, labels={"team": "shop"} | (labels or {}), **how)
    scene.cluster.store.create(resource, obj)
    scene.cluster.clock.advance(60)


def label(scene):
    """The label that `beside` gives, for the workload of the stage."""
    obj = scene.cluster.store.get(scene.cluster.stage.resource, *scene.cluster.stage.key)
    labels = obj["metadata"]["labels"] | {"team": "shop"}
    scene.cluster.store.update(scene.cluster.stage.resource,
                               {**obj, "metadata": {**obj["metadata"], "labels": labels}})


@pytest.fixture
def pair(stage):
    """my-app and worker, both of team shop."""
    scene = stage()
    label(scene)
    beside(scene)
    return scene


def select(scene, *words, kinds="deployment", container="app"):
    return scene.landed("deploy", "-l", "team=shop", kinds, f"{container}={scene.new}", *words,
                        *scene.landed.credential(), env=scene.env)


def images_of(scene, kind="deployments"):
    return {o["metadata"]["name"]: o["spec"]["template"]["spec"]["containers"][0]["image"]
            for o in scene.cluster.store.list(BY_NAME[kind])}


def results(done):
    return {o["name"]: o for o in map(json.loads, done.out.splitlines())}


BAD_SELECTIONS = [
    (("-l", "team=shop", "deployment/my-app"), "a selector is for many"),
    (("-l", "team=shop", "pod"), "'pod' is no kind"),
    (("-l", "team=shop", "deployment,"), "is no kind"),
    (("-l", "team=nosuch", "deployment"), "has the labels 'team=nosuch'"),
    (("-l", "team in (", "deployment"), "landed: looking for deployments"),
]


@pytest.mark.parametrize("words, message", BAD_SELECTIONS)
def test_bad_selections(words, message, pair):
    done = pair.landed("deploy", *words, f"app={pair.new}", *pair.landed.credential(),
                       env=pair.env)
    assert_untouched(pair, done, 2)
    assert message in done.err


def test_selected(pair):
    beside(pair, "other", labels={"team": "else"})
    done = select(pair, "-o", "json")
    said = results(done)
    assert done.code == 0 and set(said) == {"my-app", "worker"}, str(done)
    assert all(o["rollout"]["verdict"] == "running" for o in said.values())
    assert images_of(pair) == {"my-app": pair.pinned, "worker": pair.pinned, "other": pair.old}
    done = select(pair)
    assert done.out == pair.pinned + "\n" and done.err.count("nothing to change") == 2, str(done)


def test_selected_of_several_kinds(pair):
    beside(pair, "base", "StatefulSet", replicas=1)
    done = select(pair, kinds="deployments,sts")
    assert done.code == 0, str(done)
    assert images_of(pair, "statefulsets") == {"base": pair.pinned}
    assert set(images_of(pair).values()) == {pair.pinned}


def test_one_of_the_selected_lacks_the_container(pair):
    beside(pair, "odd", containers=[{"name": "web", "image": pair.old}])
    done = select(pair)
    assert_untouched(pair, done, 2)
    assert "deployment/odd has no container 'app'" in done.err


def test_nothing_is_patched_unless_all_can_be(pair):
    """The second one's dry run is refused."""
    pair.cluster.plan.add(at="dry-run", nth=2, action={"do": "answer", "status": 403})
    assert_untouched(pair, select(pair), 55)


def test_one_of_the_selected_fails(pair):
    pair.cluster.kubelet.rules.append(("^worker-", CRASHES))
    done = select(pair, "-o", "json")
    said = results(done)
    assert done.code == 52 and "1 of 2 workloads failed" in done.err, str(done)
    assert (said["my-app"]["exit"], said["worker"]["exit"]) == (0, 52)
    assert done.err.count("landed: deployment/worker: the container crashes") == 1


def test_all_of_the_selected_go_back(pair):
    pair.cluster.kubelet.rules.append(("^worker-", CRASHES))
    done = select(pair, "--rollback-on-failure", "-o", "json")
    said = results(done)
    assert done.code in (3, 52) and set(images_of(pair).values()) == {pair.old}, str(done)
    assert said["worker"]["exit"] == 52 and all(o["rolledBack"] for o in said.values())


def test_second_one_cannot_be_patched(pair):
    """The first was: with --rollback-on-failure it goes back, without it is followed."""
    pair.cluster.plan.add(at="patch", nth=4, times=1, action={"do": "answer", "status": 403})
    done = select(pair, "-o", "json", "--rollback-on-failure")
    assert done.code in (3, 55) and set(images_of(pair).values()) == {pair.old}, str(done)
    assert [o["rolledBack"] for o in results(done).values()] == [True, False]


def test_interrupted(pair):
    """Neither a success nor a verdict."""
    pair.cluster.kubelet.rules.append((".", SILENT))
    running = pair.landed.start("deploy", "-l", "team=shop", "deployment", f"app={pair.new}",
                                *pair.landed.credential(), env=pair.env)
    wait_for(lambda: len(pair.patches()) == 1 and pair.image() == pair.pinned)
    running.process.send_signal(signal.SIGINT)
    assert running.wait().code == 130
