"""The scheduler and the nodes: what becomes of a pod, step by step, as its script says.

A script is a table of (seconds since the containers could start, what, ...), see STEPS.  Which
script a container follows: the first of `rules` whose pattern is found in its pod's name, else the good
one if its image was there at the beginning, else the timeline's.
"""
import hashlib
import re

from .events import Recorder
from .pods import Steps, fresh_status, is_gone, with_status
from .resources import BY_NAME
from .store import key_of
from .timelines.scripts import GOOD, GOOD_INIT

PODS, NODES = BY_NAME["pods"], BY_NAME["nodes"]
TERMINATION_S, NEVER_STARTED_S = 0.5, 0.1


class Kubelet:
    """script: of images that were not there at the beginning.  image_id: how nodes name what they
    pulled: "own", "index" and "config" (another digest), "other-repository"; or by image in
    image_ids."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.recorder = Recorder(store, clock)
        self.rules, self.known, self.names = [], set(), {}
        self.script, self.init_only = GOOD, False
        self.image_id, self.image_ids = "own", {}
        self.ready_since, self.order, self.counted_from = {}, {}, 0
        self.steps = Steps(self)
        store.listeners.append(self.hear)

    def hear(self, resource, change):
        if resource is PODS and change.type == "ADDED":
            self.clock.after(0.01, self.begin, change.obj["metadata"]["uid"], key_of(change.obj))

    def find(self, uid, key):
        pod = self.store.find(PODS, *key)
        if pod is None or pod["metadata"]["uid"] != uid or is_gone(pod):
            return None
        return pod

    # -- a pod's way

    def begin(self, uid, key):
        pod = self.find(uid, key)
        if pod is None:
            return
        self.order[uid], self.names[uid] = len(self.order), key[1]
        scripts = [self.script_of(c, i, uid) for c, i in containers(pod)]
        unbound = next((s for s in scripts if not s.binds), None)
        if unbound:
            for at, *step in unbound.steps:
                self.clock.after(at, self.step, uid, key, pod["spec"]["containers"][0]["name"],
                                 step)
            return
        self.bind(pod)
        self.clock.after(0.03, self.start, uid, key)

    def bind(self, pod):
        node = pod["spec"].get("nodeName") or self.node_for(pod)
        meta = pod["metadata"]
        pod = {**pod, "spec": {**pod["spec"], "nodeName": node}}
        status = dict(pod["status"], conditions=[{
            "type": "PodScheduled", "status": "True", "lastProbeTime": None,
            "lastTransitionTime": self.clock.stamp()}])
        self.store.update(PODS, with_status(pod, status))
        self.recorder.scheduled(pod, f"Successfully assigned {meta['namespace']}/{meta['name']} "
                                     f"to {node}")

    def node_for(self, pod):
        wanted = pod["spec"].get("nodeSelector") or {}
        nodes = [n for n in self.store.list(NODES)
                 if wanted.items() <= n["metadata"]["labels"].items()]
        pods = self.store.list(PODS)
        load = {n["metadata"]["name"]: 0 for n in nodes or self.store.list(NODES)}
        for other in pods:
            if other["spec"].get("nodeName") in load:
                load[other["spec"]["nodeName"]] += 1
        return min(load, key=lambda name: (load[name], name))

    def start(self, uid, key):
        """The containers are created: init containers one after the other, then the others."""
        pod = self.find(uid, key)
        if pod is None:
            return
        self.store.update(PODS, with_status(pod, fresh_status(pod, self.clock.stamp())))
        first = [c for c, init in containers(pod) if init][:1]
        self.run(uid, key, first or pod["spec"]["containers"], bool(first))

    def run(self, uid, key, found, init):
        for container in found:
            for at, *step in self.script_of(container, init, uid).steps:
                self.clock.after(at, self.step, uid, key, container["name"], step)

    def after_init(self, uid, key, name):
        """The init container NAME has done its work."""
        pod = self.find(uid, key)
        names = [c["name"] for c in pod["spec"]["initContainers"]]
        rest = pod["spec"]["initContainers"][names.index(name) + 1:][:1]
        self.run(uid, key, rest or pod["spec"]["containers"], bool(rest))

    def step(self, uid, key, container, step):
        pod = self.find(uid, key)
        if pod is not None:
            self.steps.take(pod, container, step)

    def script_of(self, container, init, uid):
        image = container["image"]
        for pattern, script in self.rules:
            if re.search(pattern, self.names[uid]):
                return script
        if image in self.known or self.init_only and not init or self.script is GOOD \
                or (self.order[uid] - self.counted_from) % self.script.every:
            return GOOD_INIT if init else GOOD
        return self.script

    def id_of(self, image):
        """imageID of IMAGE, and the name that the runtime has for it."""
        if image in self.image_ids:
            return self.image_ids[image], image
        repo = re.sub(r"(@.*|:[^/:]*)$", "", image.partition("@")[0])
        digest = image.partition("@")[2] or "sha256:" + sha256(image)
        if self.image_id == "config":
            return "sha256:" + sha256(f"config of {digest}"), image
        if self.image_id == "index":
            return f"{repo}@sha256:{sha256(f'index of {digest}')}", image
        if self.image_id == "other-repository":
            return f"{repo}-mirror@{digest}", f"{repo}-mirror:latest"
        return f"{repo}@{digest}", image

    # -- the end of a pod

    def terminate(self, pod, grace=None):
        """Ask POD to end; the object as it stands then."""
        meta = pod["metadata"]
        if meta.get("deletionTimestamp") and grace != 0:
            return pod
        if grace == 0 or not pod["spec"].get("nodeName"):
            return self.store.delete(PODS, *key_of(pod))
        seconds = pod["spec"].get("terminationGracePeriodSeconds", 30) if grace is None else grace
        obj = self.store.update(PODS, {**pod, "metadata": {
            **meta, "deletionTimestamp": self.clock.stamp(-seconds),
            "deletionGracePeriodSeconds": seconds}})
        started = any("running" in c["state"] for c in pod["status"].get("containerStatuses", ()))
        self.clock.after(TERMINATION_S if started else NEVER_STARTED_S, self.bury, meta["uid"],
                         key_of(pod))
        return obj

    def bury(self, uid, key):
        pod = self.store.find(PODS, *key)
        if pod and pod["metadata"]["uid"] == uid:
            self.ready_since.pop(uid, None)
            self.store.delete(PODS, *key)


def containers(pod):
    """(container, whether it is an init container), in the order in which they start."""
    for container in pod["spec"].get("initContainers") or ():
        yield container, True
    for container in pod["spec"]["containers"]:
        yield container, False


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()
