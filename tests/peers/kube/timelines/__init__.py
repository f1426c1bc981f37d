"""The timelines by name, and the stage on which one is played."""
import copy
from dataclasses import replace

from .. import seeds
from ..resources import BY_KIND, BY_NAME
from . import pull, rollout, run
from .timeline import Timeline

TABLE = {t.name: t for t in (*rollout.TIMELINES, *pull.TIMELINES, *run.TIMELINES)}
SETTLE_S = 120.0
WORKLOAD = "my-app"


def names():
    return list(TABLE)


def get(name, **changes):
    """The timeline NAME (or a Timeline), with CHANGES of its fields."""
    found = name if isinstance(name, Timeline) else TABLE[name]
    return replace(found, **changes)


class Stage:
    """The workload "my-app" in namespace "default", settled; what was before has happened, what is
    to come waits until a client changes the template."""

    def __init__(self, cluster, timeline, image=rollout.V1, name=WORKLOAD, namespace="default"):
        self.cluster, self.timeline = cluster, timeline
        self.store, self.clock = cluster.store, cluster.clock
        self.kubelet, self.controllers = cluster.kubelet, cluster.controllers
        self.resource, self.key = BY_KIND[timeline.kind], (namespace, name)
        self.begun_at = None
        with self.store.lock:
            self.furnish(image)
            self.enact(timeline.settings)
            self.store.listeners.append(self.hear)

    def furnish(self, image):
        line = self.timeline
        for name, arch, ready in line.nodes:
            self.store.create(BY_NAME["nodes"], seeds.node(name, arch, ready))
        self.kubelet.known.add(image)
        spec = copy.deepcopy(line.spec)
        if line.kind not in ("DaemonSet", "CronJob"):
            spec["replicas"] = line.replicas
        paused = spec.pop("paused", None)
        first = line.name.startswith("first-")
        resource, obj = seeds.workload(line.kind, self.key[1], rollout.BAD if first else image,
                                       self.key[0], image if line.init else None, **spec)
        if first:
            self.kubelet.script = line.script
        self.store.create(resource, obj)
        if any(what == "scale" for _, what, *_ in line.world):
            self.store.create(BY_NAME["horizontalpodautoscalers"], seeds.autoscaler(obj))
        self.clock.advance(SETTLE_S)
        for at, *order in line.before:
            self.clock.after(at, self.order, *order)
        if line.before:
            self.clock.advance(max(at for at, *_ in line.before) + 1)
        if paused:
            self.order("pause", True)
            self.clock.advance(1)
        self.kubelet.script, self.kubelet.init_only = line.script, line.init
        self.kubelet.counted_from = len(self.kubelet.order)

    def enact(self, settings):
        for name, value in settings.items():
            if name == "deny":
                for row in value:
                    self.cluster.access.deny(*row)
                continue
            holder = next(h for h in (self.controllers, self.kubelet.recorder, self.kubelet)
                          if hasattr(h, name))
            setattr(holder, name, copy.copy(value))

    def hear(self, resource, change):
        if self.begun_at is None and resource is self.resource and change.type == "MODIFIED" \
                and template(change.obj) != template(change.previous):
            self.begun_at = self.clock.now()
            for at, *order in self.timeline.world:
                self.clock.after(at, self.order, *order)

    # -- what can happen

    def order(self, what, *arguments):
        getattr(self, what.replace("-", "_"))(*arguments)

    def nothing(self):
        pass

    def script(self, script):
        self.kubelet.script = script

    def quota(self, limit):
        self.controllers.quota = {} if limit is None else {self.key[0]: limit}

    def change(self, **spec):
        obj = self.store.find(self.resource, *self.key)
        if obj:
            self.store.update(self.resource, {**obj, "spec": {**obj["spec"], **spec}})

    def image(self, image):
        obj = self.store.find(self.resource, *self.key)
        if obj:
            new = copy.deepcopy(obj["spec"]["template"])
            new["spec"]["containers"][0]["image"] = image
            self.change(template=new)

    def scale(self, replicas):
        self.change(replicas=replicas)

    def pause(self, paused):
        self.change(paused=paused)

    def delete(self):
        self.store.delete(self.resource, *self.key)


def template(obj):
    spec = obj["spec"]
    return spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
