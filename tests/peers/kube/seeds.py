"""What stands in a cluster before anything is deployed, and how a workload of tests looks."""
from . import admit
from .resources import BY_KIND, BY_NAME

MACHINE = {"kernelVersion": "6.1.0", "osImage": "Debian GNU/Linux 12", "kubeletVersion": "v1.32.1",
           "kubeProxyVersion": "v1.32.1", "containerRuntimeVersion": "containerd://1.7.29",
           "operatingSystem": "linux"}
READY = {"type": "Ready", "status": "True", "reason": "KubeletReady",
         "message": "kubelet is posting ready status"}


def furnish(store):
    for name in ("default", "kube-system"):
        store.create(BY_NAME["namespaces"], {
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
        store.create(BY_NAME["serviceaccounts"], {"metadata": {
            "name": "default", "namespace": name}})


def node(name, arch="amd64", ready=True, labels=None):
    condition = READY if ready else {"type": "Ready", "status": "Unknown",
                                     "reason": "NodeStatusUnknown",
                                     "message": "Kubelet stopped posting node status."}
    return {"metadata": {"name": name, "labels": {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": arch,
        **(labels or {})}},
        "spec": {}, "status": {"conditions": [condition], "capacity": {"pods": "110"},
                               "nodeInfo": {**MACHINE, "architecture": arch}}}


def workload(kind, name="my-app", image="registry.test/acme/web:v1", namespace="default",
             init=None, containers=None, labels=None, **spec):
    """An object of KIND that runs IMAGE in a container "app"; INIT: the image of an init one."""
    labels = {"app": name, **(labels or {})}
    pod = {"containers": containers or [{"name": "app", "image": image}]}
    if init:
        pod["initContainers"] = [{"name": "setup", "image": init}]
    template = {"metadata": {"labels": labels}, "spec": pod}
    meta = {"name": name, "namespace": namespace, "labels": labels}
    if kind == "CronJob":
        pod["restartPolicy"] = "OnFailure"
        body = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}, **spec}
    else:
        body = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    if kind == "StatefulSet":
        body["serviceName"] = name
    resource = BY_KIND[kind]
    obj = admit.complete(resource, {"metadata": meta, "spec": body})
    return resource, {**obj, "status": {}}


def autoscaler(obj):
    """An HPA of OBJ; what it does is the timeline's business."""
    meta = obj["metadata"]
    return {"metadata": {"name": meta["name"], "namespace": meta["namespace"]},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment",
                                        "name": meta["name"]},
                     "minReplicas": 1, "maxReplicas": 10, "metrics": [
                         {"type": "Resource", "resource": {"name": "cpu", "target": {
                             "type": "Utilization", "averageUtilization": 80}}}]},
            "status": {"desiredReplicas": obj["spec"]["replicas"], "currentMetrics": None}}
