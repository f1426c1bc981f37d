"""What controllers share: owners, hashes, making and counting pods, conditions."""
import copy
import hashlib
import json

from ..admit import complete_pod
from ..pods import is_gone, is_ready
from ..resources import BY_NAME

PODS = BY_NAME["pods"]
SAFE = "bcdfghjklmnpqrstvwxz2456789"


def owner_of(obj):
    return next((o for o in obj["metadata"].get("ownerReferences", ()) if o.get("controller")),
                None)


def owned(store, plural, owner):
    uid = owner["metadata"]["uid"]
    return [o for o in store.list(BY_NAME[plural], owner["metadata"].get("namespace"))
            if (owner_of(o) or {}).get("uid") == uid]


def owner_reference(owner):
    return {"apiVersion": owner["apiVersion"], "kind": owner["kind"],
            "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
            "controller": True, "blockOwnerDeletion": True}


def hash_of(document, length=10):
    """In the alphabet of the real ones; of a like length."""
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()
    return "".join(SAFE[b % len(SAFE)] for b in digest[:length])


def share(value, total, up):
    """An int-or-percent of TOTAL."""
    if isinstance(value, int):
        return value
    parts = int(value.rstrip("%")) * total
    return -(-parts // 100) if up else parts // 100


class Denied(Exception):
    """Admission's no to a new pod."""


def make_pod(control, owner, template, name=None, labels=None, node=None):
    """A pod of OWNER, as pkg/controller does; raises Denied."""
    meta = owner["metadata"]
    name = name or f"{meta['name']}-{control.store.suffix()}"
    spec = copy.deepcopy(template.get("spec", {}))
    complete_pod(spec)
    spec.setdefault("serviceAccountName", "default")
    spec["enableServiceLinks"] = True
    if node:
        spec["nodeName"] = node
    deny_maybe(control, meta["namespace"], name)
    inner = template.get("metadata", {})
    pod = {"metadata": {
        "name": name, "generateName": f"{meta['name']}-", "namespace": meta["namespace"],
        "labels": {**inner.get("labels", {}), **(labels or {})},
        "ownerReferences": [owner_reference(owner)]},
        "spec": spec, "status": {"phase": "Pending", "qosClass": "BestEffort"}}
    if inner.get("annotations"):
        pod["metadata"]["annotations"] = inner["annotations"]
    made = control.store.create(PODS, pod)
    control.recorder.tell(owner, "Normal", "SuccessfulCreate", f"Created pod: {name}",
                          component=f"{owner['kind'].lower()}-controller")
    return made


def deny_maybe(control, namespace, name):
    limit = control.quota.get(namespace)
    used = len([p for p in control.store.list(PODS, namespace)])
    if control.refusal:
        raise Denied(control.refusal.replace("{pod}", name))
    if limit is not None and used >= limit:
        raise Denied(f'pods "{name}" is forbidden: exceeded quota: q, requested: pods=1, used: '
                     f"pods={used}, limited: pods={limit}")


def told_denied(control, owner, denied):
    control.recorder.tell(owner, "Warning", "FailedCreate", f"Error creating: {denied}",
                          component=f"{owner['kind'].lower()}-controller")


def active(pods):
    return [p for p in pods if not is_gone(p)]


def is_available(control, pod, owner):
    """Ready for minReadySeconds."""
    if not is_ready(pod):
        return False
    since = control.kubelet.ready_since.get(pod["metadata"]["uid"], 0)
    left = since + owner["spec"].get("minReadySeconds", 0) - control.clock.now()
    if left > 0:
        control.look(owner["kind"], (owner["metadata"]["namespace"], owner["metadata"]["name"]),
                     left)
    return left <= 0


def counted(**numbers):
    """Go's omitempty."""
    return {k: v for k, v in numbers.items() if v}


def set_condition(conditions, new):
    """CONDITIONS with NEW in it; the same reason and status is no change."""
    old = next((c for c in conditions if c["type"] == new["type"]), None)
    if old and (old["status"], old.get("reason")) == (new["status"], new.get("reason")):
        return conditions
    if old and old["status"] == new["status"]:
        new = {**new, "lastTransitionTime": old["lastTransitionTime"]}
    return [c for c in conditions if c["type"] != new["type"]] + [new]


def update_status(control, resource, obj, status):
    return control.store.update(resource, {**obj, "status": status})
