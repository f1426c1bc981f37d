"""pkg/controller/daemon: a pod on every node, replaced as maxUnavailable allows."""
from ..pods import is_gone, is_ready
from ..resources import BY_NAME
from . import revisions
from .common import (Denied, active, counted, is_available, make_pod, owned, share, told_denied,
                     update_status)

DAEMONSETS, NODES = BY_NAME["daemonsets"], BY_NAME["nodes"]


def sync(control, ds):
    latest, _ = revisions.newest(control, ds)
    label, nodes = revisions.label_of(latest), nodes_of(control, ds)
    pods = owned(control.store, "pods", ds)
    there = {p["spec"].get("nodeName"): p for p in pods}
    try:
        for node in nodes:
            if node not in there:
                make_pod(control, ds, ds["spec"]["template"], labels={revisions.HASH: label},
                         node=node)
    except Denied as denied:
        told_denied(control, ds, denied)
    for node, pod in there.items():
        if node not in nodes:
            control.kubelet.terminate(pod)
    if ds["spec"]["updateStrategy"]["type"] == "RollingUpdate":
        roll(control, ds, label, there, len(nodes))
    report(control, ds, label, nodes)


def nodes_of(control, ds):
    wanted = ds["spec"]["template"]["spec"].get("nodeSelector") or {}
    return [n["metadata"]["name"] for n in control.store.list(NODES)
            if wanted.items() <= n["metadata"]["labels"].items()]


def roll(control, ds, label, there, total):
    """Old pods that are not available go at once, the others one by one."""
    room = share(ds["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"], total, True)
    spare = []
    for pod in there.values():
        good = not is_gone(pod) and is_available(control, pod, ds)
        if pod["metadata"]["labels"].get(revisions.HASH) == label or is_gone(pod):
            room -= not good
        elif good:
            spare.append(pod)
        else:
            room -= 1
            control.kubelet.terminate(pod)
    room -= total - len(there)
    for pod in spare[:max(0, room)]:
        control.kubelet.terminate(pod)


def report(control, ds, label, nodes):
    pods = [p for p in active(owned(control.store, "pods", ds))
            if p["spec"].get("nodeName") in nodes]
    available = sum(is_available(control, p, ds) for p in pods)
    update_status(control, DAEMONSETS, ds, {
        "currentNumberScheduled": len(pods), "numberMisscheduled": 0,
        "desiredNumberScheduled": len(nodes), "numberReady": sum(map(is_ready, pods)),
        "observedGeneration": ds["metadata"]["generation"], **counted(
            updatedNumberScheduled=sum(p["metadata"]["labels"].get(revisions.HASH) == label
                                       for p in pods),
            numberAvailable=available, numberUnavailable=len(nodes) - available)})
