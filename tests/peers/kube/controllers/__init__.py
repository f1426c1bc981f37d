"""The controller manager: who has to look again at what, after a little while.

delay_s: how long a controller takes to notice a change.  quota: pods that a namespace may have.
refusal: what admission says to every new pod, e.g. a webhook's denial.
"""
from ..resources import BY_KIND, BY_NAME
from ..store import key_of
from . import daemonset, deployment, replicaset, statefulset
from .common import owner_of

SYNCS = {"Deployment": deployment.sync, "ReplicaSet": replicaset.sync,
         "StatefulSet": statefulset.sync, "DaemonSet": daemonset.sync}
DELAY_S = 0.02


class Controllers:
    def __init__(self, store, clock, kubelet):
        self.store, self.clock, self.kubelet = store, clock, kubelet
        self.recorder = kubelet.recorder
        self.delay_s, self.delays = DELAY_S, {}
        self.quota, self.refusal = {}, None
        self.progressed = {}            # uid of a deployment: when it last moved
        self.dirty = set()
        store.listeners.append(self.hear)

    def hear(self, resource, change):
        obj = change.obj
        if obj["kind"] in SYNCS and change.type != "DELETED":
            self.look(obj["kind"], key_of(obj))
        owner = owner_of(obj)
        if owner and owner["kind"] in SYNCS:
            self.look(owner["kind"], (obj["metadata"].get("namespace", ""), owner["name"]))
        if change.type == "DELETED" and obj["kind"] in SYNCS:
            self.clock.after(0, self.collect, obj["metadata"]["uid"])
        if obj["kind"] == "Node":
            for daemon in self.store.list(BY_NAME["daemonsets"]):
                self.look("DaemonSet", key_of(daemon))

    def look(self, kind, key, after=None):
        """Soon (once, however often it is said), or AFTER so many seconds."""
        if after is not None:
            self.clock.after(after, self.sync, kind, key)
        elif (kind, key) not in self.dirty:
            self.dirty.add((kind, key))
            self.clock.after(self.delays.get(kind, self.delay_s), self.sync, kind, key)

    def sync(self, kind, key):
        self.dirty.discard((kind, key))
        obj = self.store.find(BY_KIND[kind], *key)
        if obj is not None:
            SYNCS[kind](self, obj)

    def collect(self, uid):
        """The garbage collector: what UID owned goes as well."""
        for name in ("replicasets", "controllerrevisions", "pods"):
            for obj in self.store.list(BY_NAME[name]):
                if (owner_of(obj) or {}).get("uid") != uid:
                    continue
                if name == "pods":
                    self.kubelet.terminate(obj)
                else:
                    self.store.delete(BY_NAME[name], *key_of(obj))
