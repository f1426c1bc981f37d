"""pkg/controller/replicaset: as many pods as the spec says, and the word of why there are fewer."""
from ..pods import is_ready
from ..resources import BY_NAME
from .common import (Denied, active, counted, is_available, make_pod, owned, told_denied,
                     update_status)

RETRY_S = 5.0


def sync(control, rs):
    pods = active(owned(control.store, "pods", rs))
    failure = None
    missing = rs["spec"]["replicas"] - len(pods)
    try:
        for _ in range(missing):
            make_pod(control, rs, rs["spec"]["template"])
    except Denied as denied:
        failure = str(denied)
        told_denied(control, rs, denied)
        control.look("ReplicaSet", (rs["metadata"]["namespace"], rs["metadata"]["name"]), RETRY_S)
    for pod in sorted(pods, key=rank)[:max(0, -missing)]:
        control.kubelet.terminate(pod)
        control.recorder.tell(rs, "Normal", "SuccessfulDelete",
                              f"Deleted pod: {pod['metadata']['name']}",
                              component="replicaset-controller")
    report(control, rs, failure)


def rank(pod):
    """Those that are missed least come first."""
    order = {"Pending": 0, "Unknown": 1, "Running": 2}
    return (bool(pod["spec"].get("nodeName")), order.get(pod["status"].get("phase"), 0),
            is_ready(pod), pod["metadata"]["name"])


def report(control, rs, failure):
    pods = active(owned(control.store, "pods", rs))
    status = {"replicas": len(pods), **counted(
        fullyLabeledReplicas=len(pods), readyReplicas=sum(map(is_ready, pods)),
        availableReplicas=sum(is_available(control, p, rs) for p in pods)),
        "observedGeneration": rs["metadata"]["generation"]}
    if failure:
        old = next(iter(rs.get("status", {}).get("conditions", ())), None)
        status["conditions"] = [old or {
            "type": "ReplicaFailure", "status": "True", "lastTransitionTime": control.clock.stamp(),
            "reason": "FailedCreate", "message": failure}]
    update_status(control, BY_NAME["replicasets"], rs, status)
