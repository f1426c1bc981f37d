"""pkg/controller/deployment: replica sets for templates, step by step, and what it says of that.

Two of its habits matter to watchers: for a replica set that is there already it writes the
revision annotation one round later than observedGeneration, and it leaves the condition
Progressing as it was (sync.go, progress.go).
"""
import copy

from ..resources import BY_NAME
from .common import (counted, hash_of, owned, owner_reference, set_condition, share)

DEPLOYMENTS, REPLICASETS = BY_NAME["deployments"], BY_NAME["replicasets"]
REVISION = "deployment.kubernetes.io/revision"
DESIRED, MOST = "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"
HASH = "pod-template-hash"
COPIED_NOT = {REVISION, DESIRED, MOST, "kubectl.kubernetes.io/last-applied-configuration",
              "deployment.kubernetes.io/revision-history"}


def sync(control, d):
    Round(control, d).run()


class Round:
    """One look at one deployment."""

    def __init__(self, control, d):
        self.control, self.store, self.d = control, control.store, d
        self.spec, self.meta = d["spec"], d["metadata"]
        self.key = (self.meta["namespace"], self.meta["name"])
        self.wanted = self.spec["replicas"]
        rolling = self.spec["strategy"].get("rollingUpdate") or {}
        self.recreate = self.spec["strategy"]["type"] == "Recreate"
        self.surge = 0 if self.recreate else share(rolling["maxSurge"], self.wanted, True)
        self.absent = 0 if self.recreate else share(rolling["maxUnavailable"], self.wanted, False)
        if not self.recreate and not self.surge and not self.absent and self.wanted:
            self.absent = 1
        self.refresh()

    def refresh(self):
        self.sets = sorted(owned(self.store, "replicasets", self.d), key=lambda rs: (
            rs["metadata"]["creationTimestamp"], int(revision_of(rs))))
        template = self.spec["template"]
        self.new = next((rs for rs in self.sets if template_of(rs) == template), None)
        self.old = [rs for rs in self.sets if rs is not self.new]

    def run(self):
        if self.spec.get("paused"):
            self.pause()
            self.scale_paused()
            return self.report()
        self.resume()
        if self.recreate and self.sum_spec(self.old):
            for rs in self.old:
                self.resize(rs, 0)
            return self.report()
        if self.recreate and any(owned(self.store, "pods", rs) for rs in self.old):
            return self.report()
        self.have_new()
        if not self.grow():
            self.shrink()
        self.refresh()
        self.clean_up()
        return self.report()

    # -- the new replica set

    def have_new(self):
        last = max((int(revision_of(rs)) for rs in self.old), default=0)
        if self.new is None:
            return self.make_new(str(last + 1))
        annotations = self.annotations(max(last + 1, int(revision_of(self.new))))
        if self.new["metadata"].get("annotations") != annotations:
            self.new = self.store.update(REPLICASETS, {**self.new, "metadata": {
                **self.new["metadata"], "annotations": annotations}})
            return self.refresh()
        self.set_revision(revision_of(self.new))
        if not self.condition("Progressing"):
            self.progress("True", "FoundNewReplicaSet",
                          f'Found new replica set "{self.new["metadata"]["name"]}"')
        return None

    def annotations(self, revision):
        return {**{k: v for k, v in self.meta.get("annotations", {}).items()
                   if k not in COPIED_NOT}, DESIRED: str(self.wanted),
                MOST: str(self.wanted + self.surge), REVISION: str(revision)}

    def make_new(self, revision):
        template = copy.deepcopy(self.spec["template"])
        code = hash_of(template)
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = code
        name = f"{self.meta['name']}-{code}"
        size = self.new_size(0)
        self.new = self.store.create(REPLICASETS, {
            "metadata": {"name": name, "namespace": self.meta["namespace"],
                         "labels": template["metadata"]["labels"],
                         "annotations": self.annotations(revision),
                         "ownerReferences": [owner_reference(self.d)]},
            "spec": {"replicas": size, "template": template, "selector": {"matchLabels": {
                **self.spec["selector"].get("matchLabels", {}), HASH: code}}},
            "status": {"replicas": 0}})
        if size:
            self.say_scaled("up", self.new, 0, size)
        self.set_revision(revision)
        self.progress("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
        self.refresh()

    def set_revision(self, revision):
        if self.meta.get("annotations", {}).get(REVISION) != revision:
            self.meta = {**self.meta, "annotations": {
                **self.meta.get("annotations", {}), REVISION: revision}}
            self.write()

    # -- numbers

    def sum_spec(self, sets):
        return sum(rs["spec"]["replicas"] for rs in sets)

    def new_size(self, have):
        if self.recreate:
            return self.wanted
        room = self.wanted + self.surge - self.sum_spec(self.sets)
        return have if room <= 0 else have + min(room, self.wanted - have)

    def grow(self):
        have = self.new["spec"]["replicas"]
        size = self.wanted if have > self.wanted else self.new_size(have)
        return self.resize(self.new, size)

    def shrink(self):
        """Old ones go: first those that are broken anyway, then as availability allows."""
        least = self.wanted - self.absent
        new_missing = self.new["spec"]["replicas"] - status(self.new, "availableReplicas")
        most = self.sum_spec(self.sets) - least - new_missing
        if most <= 0 or not self.sum_spec(self.old):
            return
        for i, rs in enumerate(self.old):
            broken = rs["spec"]["replicas"] - status(rs, "availableReplicas")
            step = min(most, broken)
            if step > 0:
                most -= step
                self.resize(rs, rs["spec"]["replicas"] - step)
                self.old[i] = self.store.get(REPLICASETS, self.key[0], rs["metadata"]["name"])
        spare = sum(status(rs, "availableReplicas") for rs in [*self.old, self.new]) - least
        for rs in self.old:
            step = min(max(spare, 0), rs["spec"]["replicas"])
            spare -= step
            self.resize(rs, rs["spec"]["replicas"] - step)

    def resize(self, rs, size):
        have = rs["spec"]["replicas"]
        if size == have:
            return False
        self.store.update(REPLICASETS, {**rs, "spec": {**rs["spec"], "replicas": size}})
        self.say_scaled("up" if size > have else "down", rs, have, size)
        self.refresh()
        return True

    def say_scaled(self, way, rs, have, size):
        self.control.recorder.tell(
            self.d, "Normal", "ScalingReplicaSet", f"Scaled {way} replica set "
            f"{rs['metadata']['name']} from {have} to {size}", component="deployment-controller")

    def scale_paused(self):
        running = [rs for rs in self.sets if rs["spec"]["replicas"]]
        if len(running) == 1:
            self.resize(running[0], self.wanted)

    def clean_up(self):
        limit = self.spec.get("revisionHistoryLimit", 10)
        empty = [rs for rs in self.old if not rs["spec"]["replicas"]
                 and not status(rs, "replicas")]
        for rs in sorted(empty, key=lambda r: int(revision_of(r)))[:max(0, len(self.old) - limit)]:
            self.store.delete(REPLICASETS, self.key[0], rs["metadata"]["name"])

    # -- conditions

    def condition(self, kind):
        return next((c for c in self.d.get("status", {}).get("conditions", ())
                     if c["type"] == kind), None)

    def progress(self, state, reason, message, force=False):
        conditions = self.d.get("status", {}).get("conditions", [])
        old = self.condition("Progressing")
        new = self.worded("Progressing", state, reason, message)
        if force and old:
            if old["status"] == state:
                new["lastTransitionTime"] = old["lastTransitionTime"]
            conditions = [c for c in conditions if c["type"] != "Progressing"]
        changed = set_condition(conditions, new)
        if changed is not conditions:
            self.control.progressed[self.meta["uid"]] = self.control.clock.now()
            self.d = {**self.d, "status": {**self.d.get("status", {}), "conditions": changed}}
            self.write()

    def worded(self, kind, state, reason, message):
        now = self.control.clock.stamp()
        return {"type": kind, "status": state, "lastUpdateTime": now, "lastTransitionTime": now,
                "reason": reason, "message": message}

    def pause(self):
        if (self.condition("Progressing") or {}).get("reason") != "DeploymentPaused":
            self.progress("Unknown", "DeploymentPaused", "Deployment is paused")

    def resume(self):
        if (self.condition("Progressing") or {}).get("reason") == "DeploymentPaused":
            self.progress("Unknown", "DeploymentResumed", "Deployment is resumed")

    # -- the status

    def write(self):
        self.d = self.store.update(DEPLOYMENTS, {**self.d, "metadata": self.meta})
        self.meta = self.d["metadata"]

    def report(self):
        old, new = self.d.get("status", {}), self.counts()
        self.d = {**self.d, "status": {**new, "conditions": old.get("conditions", [])}}
        self.judge(old, new)
        self.availability(new)
        self.failures()
        self.write()

    def counts(self):
        total = sum(status(rs, "availableReplicas") for rs in self.sets)
        return {"observedGeneration": self.meta["generation"], **counted(
            replicas=sum(status(rs, "replicas") for rs in self.sets),
            updatedReplicas=status(self.new, "replicas") if self.new else 0,
            readyReplicas=sum(status(rs, "readyReplicas") for rs in self.sets),
            availableReplicas=total,
            unavailableReplicas=max(0, self.sum_spec(self.sets) - total))}

    def judge(self, old, new):
        """syncRolloutStatus of progress.go."""
        reason = (self.condition("Progressing") or {}).get("reason")
        replicas, updated = new.get("replicas", 0), new.get("updatedReplicas", 0)
        if self.spec.get("paused") or replicas == updated and reason == "NewReplicaSetAvailable":
            return
        name = (self.new or self.d)["metadata"]["name"]
        who = f'ReplicaSet "{name}"' if self.new else f'Deployment "{name}"'
        if updated == replicas == self.wanted == new.get("availableReplicas", 0):
            self.progress("True", "NewReplicaSetAvailable", f"{who} has successfully progressed.")
        elif moved(old, new):
            self.progress("True", "ReplicaSetUpdated", f"{who} is progressing.", force=True)
        elif self.is_late(reason):
            self.progress("False", "ProgressDeadlineExceeded",
                          f"{who} has timed out progressing.")

    def is_late(self, reason):
        """Also sees to it that somebody looks again when the deadline is over."""
        if reason in (None, "NewReplicaSetAvailable"):
            return False
        if reason == "ProgressDeadlineExceeded":
            return True
        since = self.control.progressed.get(self.meta["uid"], 0)
        left = since + self.spec["progressDeadlineSeconds"] - self.control.clock.now()
        if left > 0:
            self.control.look("Deployment", self.key, left + 0.001)
        return left <= 0

    def availability(self, new):
        good = new.get("availableReplicas", 0) >= self.wanted - self.absent
        self.put(self.worded("Available", "True", "MinimumReplicasAvailable",
                             "Deployment has minimum availability.") if good else
                 self.worded("Available", "False", "MinimumReplicasUnavailable",
                             "Deployment does not have minimum availability."))

    def failures(self):
        found = next((c for rs in filter(None, [self.new, *self.old])
                      for c in rs.get("status", {}).get("conditions", ())), None)
        if found:
            self.put(self.worded("ReplicaFailure", "True", found["reason"], found["message"]))
        else:
            self.d["status"]["conditions"] = [
                c for c in self.d["status"]["conditions"] if c["type"] != "ReplicaFailure"]

    def put(self, new):
        self.d["status"]["conditions"] = set_condition(self.d["status"]["conditions"], new)


def moved(old, new):
    """DeploymentProgressing: any counter went the right way."""
    def n(counts, name):
        return counts.get(name, 0)
    return (n(new, "updatedReplicas") > n(old, "updatedReplicas")
            or n(new, "replicas") - n(new, "updatedReplicas")
            < n(old, "replicas") - n(old, "updatedReplicas")
            or n(new, "readyReplicas") > n(old, "readyReplicas")
            or n(new, "availableReplicas") > n(old, "availableReplicas"))


def revision_of(rs):
    return rs["metadata"].get("annotations", {}).get(REVISION, "0")


def status(rs, name):
    return rs.get("status", {}).get(name, 0)


def template_of(rs):
    template = copy.deepcopy(rs["spec"]["template"])
    template["metadata"]["labels"].pop(HASH, None)
    return template
