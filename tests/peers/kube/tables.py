"""Objects in the forms that a client may ask for: plain, Table (kubectl get), metadata only."""
import re

from .status import not_acceptable

NAME = ("Name", "string", "name", "Name must be unique within a namespace.", 0)


def column(name, kind="string", priority=0):
    return (name, kind, "", "", priority)


def dig(obj, path, default=None):
    for key in path.split("."):
        obj = (obj or {}).get(key)
    return default if obj is None else obj


def ready_of(kind):
    return lambda o: f"{dig(o, 'status.readyReplicas', 0)}/{dig(o, 'spec.replicas', 0)}"


def pod_status(pod):
    """As `kubectl get pods` sums it up (pkg/printers/internalversion)."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    for i, c in enumerate(status.get("initContainerStatuses") or ()):
        state = c.get("state") or {}
        if "terminated" in state and state["terminated"]["exitCode"] == 0:
            continue
        reason = dig(state, "waiting.reason", "")
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{i}/{len(status['initContainerStatuses'])}"
    for c in reversed(status.get("containerStatuses") or ()):
        state = c.get("state") or {}
        reason = dig(state, "waiting.reason") or dig(state, "terminated.reason")
        if reason:
            return reason
    return status.get("phase", "Unknown")


def pod_cells(pod):
    states = dig(pod, "status.containerStatuses", [])
    return [f"{sum(c['ready'] for c in states)}/{len(pod['spec']['containers'])}",
            pod_status(pod), str(sum(c["restartCount"] for c in states))]


def node_status(node):
    return next(("Ready" if c["status"] == "True" else "NotReady"
                 for c in dig(node, "status.conditions", []) if c["type"] == "Ready"), "Unknown")


AGE = column("Age")
# plural: columns behind the name, and a function that gives their cells but the age
SHAPES = {
    "pods": ((column("Ready"), column("Status"), column("Restarts")), pod_cells),
    "deployments": (
        (column("Ready"), column("Up-to-date"), column("Available")),
        lambda o: [ready_of("deployments")(o), dig(o, "status.updatedReplicas", 0),
                   dig(o, "status.availableReplicas", 0)]),
    "replicasets": (
        (column("Desired", "integer"), column("Current", "integer"), column("Ready", "integer")),
        lambda o: [dig(o, "spec.replicas", 0), dig(o, "status.replicas", 0),
                   dig(o, "status.readyReplicas", 0)]),
    "statefulsets": ((column("Ready"),), lambda o: [ready_of("statefulsets")(o)]),
    "daemonsets": (
        tuple(column(n, "integer") for n in ("Desired", "Current", "Ready", "Up-to-date",
                                             "Available")),
        lambda o: [dig(o, f"status.{n}", 0) for n in (
            "desiredNumberScheduled", "currentNumberScheduled", "numberReady",
            "updatedNumberScheduled", "numberAvailable")]),
    "nodes": ((column("Status"), column("Version")),
              lambda o: [node_status(o), dig(o, "status.nodeInfo.kubeletVersion", "")]),
    "events": (
        (column("Type"), column("Reason"), column("Object"), column("Message")),
        lambda o: [o.get("type"), o.get("reason"), f"{dig(o, 'involvedObject.kind', '').lower()}/"
                   f"{dig(o, 'involvedObject.name')}", o.get("message", "").strip()]),
}


def table(objects, version, resource, include="Metadata", headers=True, more=None):
    columns, cells = SHAPES.get(resource.plural, ((), lambda o: []))
    heads = [{"name": n, "type": t, "format": f, "description": d, "priority": p}
             for n, t, f, d, p in (NAME, *columns, AGE)]
    rows = [{"cells": [o["metadata"]["name"], *cells(o), "1m"], "object": shown(o, include)}
            for o in objects]
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": version, **(more or {})},
            "columnDefinitions": heads if headers else None, "rows": rows}


def shown(obj, include):
    if include == "Object":
        return obj
    return partial(obj) if include == "Metadata" else None


def partial(obj):
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": obj["metadata"]}


def form_of(accept):
    """"plain", "table" or "partial": the first that we can of what the client names."""
    for wanted in (accept or "*/*").split(","):
        kind, *rest = [part.strip() for part in wanted.split(";")]
        words = dict(part.split("=", 1) for part in rest if "=" in part)
        if kind not in ("application/json", "*/*", "application/*"):
            continue
        if words.get("as") == "Table" and words.get("v") == "v1":
            return "table"
        if re.fullmatch("PartialObjectMetadata(List)?", words.get("as", "")):
            return "partial"
        if "as" not in words:
            return "plain"
    raise not_acceptable()
