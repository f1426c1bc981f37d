"""pkg/controller/statefulset: pods in their order, one revision after the other.

With OrderedReady it waits for each pod before it touches the next, also for one that can never
become ready: the broken pod of an earlier template has to be deleted by hand.
"""
from ..pods import is_gone, is_ready
from ..resources import BY_NAME
from . import revisions
from .common import Denied, counted, is_available, make_pod, owned, told_denied, update_status

STATEFULSETS = BY_NAME["statefulsets"]
RETRY_S = 5.0


def sync(control, sts):
    latest, known = revisions.newest(control, sts)
    update = revisions.label_of(latest)
    current = sts.get("status", {}).get("currentRevision") or update
    try:
        move(control, sts, current, update, {revisions.label_of(r): r for r in known})
    except Denied as denied:
        told_denied(control, sts, denied)
        control.look("StatefulSet", (sts["metadata"]["namespace"], sts["metadata"]["name"]),
                     RETRY_S)
    report(control, sts, current, update)


def move(control, sts, current, update, known):
    """One step towards the spec, or the patience to wait for the last one."""
    spec, pods = sts["spec"], by_ordinal(control, sts)
    ordered = spec["podManagementPolicy"] == "OrderedReady"
    rolling = spec["updateStrategy"]["type"] == "RollingUpdate"
    partition = spec["updateStrategy"].get("rollingUpdate", {}).get("partition", 0)
    for i in range(spec["replicas"]):
        pod = pods.get(i)
        if pod is None:
            label = update if i >= partition or current not in known else current
            create(control, sts, i, known[label])
            if ordered:
                return
        elif ordered and (is_gone(pod) or not is_ready(pod)):
            return
    for i in sorted((i for i in pods if i >= spec["replicas"]), reverse=True):
        control.kubelet.terminate(pods[i])
        if ordered:
            return
    if not rolling:
        return
    for i in sorted((i for i in pods if partition <= i < spec["replicas"]), reverse=True):
        if is_gone(pods[i]):
            return
        if revision(pods[i]) != update:
            control.kubelet.terminate(pods[i])
            return
        if not is_ready(pods[i]):
            return


def create(control, sts, ordinal, wanted):
    name = f"{sts['metadata']['name']}-{ordinal}"
    make_pod(control, sts, wanted["data"]["spec"]["template"], name, {
        revisions.HASH: revisions.label_of(wanted),
        "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(ordinal)})


def by_ordinal(control, sts):
    return {int(p["metadata"]["name"].rpartition("-")[2]): p
            for p in owned(control.store, "pods", sts)}


def revision(pod):
    return pod["metadata"]["labels"].get(revisions.HASH)


def report(control, sts, current, update):
    pods = list(by_ordinal(control, sts).values())
    live = [p for p in pods if not is_gone(p)]
    ready = sum(map(is_ready, pods))
    updated = sum(revision(p) == update for p in live)
    wanted = sts["spec"]["replicas"]
    if updated == wanted == ready == len(pods):
        current = update
    status = {"observedGeneration": sts["metadata"]["generation"], "replicas": len(pods), **counted(
        readyReplicas=ready, currentReplicas=sum(revision(p) == current for p in live),
        updatedReplicas=updated), "currentRevision": current, "updateRevision": update,
        "collisionCount": 0, "availableReplicas": sum(is_available(control, p, sts) for p in pods)}
    update_status(control, STATEFULSETS, sts, status)
