"""The objects and everything that ever happened to them, as etcd and the watch cache keep it.

An object that was handed in is never changed again: a write replaces it.  One counter is the
resourceVersion of all resources.  Whoever wants to hear of changes waits on `changed`, or is a
listener (called with the lock held).
"""
import copy
import json
import random
import threading
import uuid
from dataclasses import dataclass

from .resources import BY_NAME, stored
from .status import already_exists, not_found, too_old

FIRST_VERSION = 1000


@dataclass
class Change:
    version: int
    type: str
    obj: dict
    previous: dict
    encoded: bytes = None

    def line(self):
        """As a watch tells it, to those who select everything."""
        if self.encoded is None:
            self.encoded = encode({"type": self.type, "object": self.obj})
        return self.encoded


def encode(document):
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def key_of(obj):
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


class Store:
    def __init__(self, seed=0):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.random = random.Random(seed)
        self.stamp = lambda: "2026-01-01T00:00:00Z"
        self.version = FIRST_VERSION
        self.compacted = FIRST_VERSION
        self.objects = {r: {} for r in BY_NAME.values()}
        self.log = {r: [] for r in BY_NAME.values()}
        self.frozen = {}
        self.listeners = []

    # -- reading

    def get(self, resource, namespace, name):
        found = self.objects[stored(resource)].get((namespace or "", name))
        if found is None:
            raise not_found(resource, name)
        return found

    def find(self, resource, namespace, name):
        return self.objects[stored(resource)].get((namespace or "", name))

    def list(self, resource, namespace=None):
        """In the order of etcd's keys."""
        with self.lock:
            return in_order(self.objects[stored(resource)], namespace)

    def at(self, resource, version):
        """The objects by key as they were at VERSION."""
        resource = stored(resource)
        if version < self.compacted:
            raise too_old(version, self.compacted)
        objects = dict(self.objects[resource])
        for change in reversed(self.log[resource]):
            if change.version <= version:
                break
            if change.previous is None:
                objects.pop(key_of(change.obj), None)
            else:
                objects[key_of(change.obj)] = change.previous
        return objects

    def since(self, resource, version):
        """The changes behind VERSION."""
        log = self.log[stored(resource)]
        low, high = 0, len(log)
        while low < high:
            middle = (low + high) // 2
            if log[middle].version <= version:
                low = middle + 1
            else:
                high = middle
        return log[low:]

    # -- what a test does to it

    def compact(self):
        """All versions before now are too old from here on."""
        with self.lock:
            self.compacted = self.version

    def freeze(self, name):
        """The cache that answers resourceVersion=0 hears of NAME's changes no more ..."""
        with self.lock:
            self.frozen[BY_NAME[name]] = (self.version, dict(self.objects[BY_NAME[name]]))

    def thaw(self):
        """... until now."""
        with self.lock:
            self.frozen.clear()

    # -- writing

    def create(self, resource, obj):
        with self.lock:
            obj = copy.deepcopy(obj)
            meta = obj.setdefault("metadata", {})
            if not meta.get("name") and meta.get("generateName"):
                meta["name"] = meta["generateName"] + self.suffix()
            if key_of(obj) in self.objects[stored(resource)]:
                raise already_exists(resource, meta["name"])
            return self.write(resource, "ADDED", self.finished(resource, obj), None)

    def finished(self, resource, obj):
        """A new object with what the server sets itself."""
        meta = obj["metadata"]
        meta["uid"] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        meta["creationTimestamp"] = self.stamp()
        if resource.generation:
            meta["generation"] = 1
        return {"kind": resource.kind, "apiVersion": resource.api_version, **{
            k: v for k, v in obj.items() if k not in ("kind", "apiVersion")}}

    def update(self, resource, obj, dry=False):
        """The object as it stands then; no change is no write."""
        with self.lock:
            old = self.get(resource, *key_of(obj))
            obj = copy.deepcopy(obj)
            meta = obj["metadata"]
            meta["resourceVersion"] = old["metadata"]["resourceVersion"]
            if resource.generation:
                meta["generation"] = old["metadata"]["generation"] \
                    + (obj.get("spec") != old.get("spec"))
            if obj == old or dry:
                return obj
            return self.write(resource, "MODIFIED", obj, old)

    def delete(self, resource, namespace, name):
        with self.lock:
            old = self.get(resource, namespace, name)
            obj = {**old, "metadata": dict(old["metadata"])}
            return self.write(resource, "DELETED", obj, old)

    def write(self, resource, kind, obj, previous):
        resource = stored(resource)
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        if kind == "DELETED":
            del self.objects[resource][key_of(obj)]
        else:
            self.objects[resource][key_of(obj)] = obj
        change = Change(self.version, kind, obj, previous)
        self.log[resource].append(change)
        for listener in self.listeners:
            listener(resource, change)
        self.changed.notify_all()
        return obj

    def suffix(self, length=5):
        """As the server's name generator: no vowels, no digits that look like one."""
        return "".join(self.random.choices("bcdfghjklmnpqrstvwxz2456789", k=length))


def in_order(objects, namespace=None):
    keys = sorted(k for k in objects if namespace in (None, "", k[0]))
    return [objects[k] for k in keys]
