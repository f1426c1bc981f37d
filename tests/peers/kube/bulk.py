"""Many pods and many changes of them, for figures: lists in pages, watches that do not grow."""
import threading

from .pods import PODS, condition, fresh_status, judged
from .resources import BY_NAME

NAMESPACE = "crowd"


def fill(cluster, count, namespace=NAMESPACE, labels=None):
    """COUNT running pods in NAMESPACE; nobody controls them."""
    store = cluster.store
    with store.lock:
        if not store.find(BY_NAME["namespaces"], "", namespace):
            store.create(BY_NAME["namespaces"], {"metadata": {"name": namespace},
                                                 "status": {"phase": "Active"}})
        listeners, store.listeners = store.listeners, []
        for i in range(count):
            store.create(PODS, pod(store, namespace, f"crowd-{i:05}", labels or {"app": "crowd"}))
        store.listeners = listeners


def pod(store, namespace, name, labels):
    image = "registry.test/acme/web:v1"
    made = {"metadata": {"name": name, "namespace": namespace, "labels": labels,
                         "uid": f"{store.random.getrandbits(16):04x}"},
            "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": image}]},
            "status": {}}
    now = store.stamp()
    status = dict(fresh_status(made, now), conditions=[condition("PodScheduled", True, now)])
    status["containerStatuses"] = [dict(
        status["containerStatuses"][0], ready=True, started=True,
        state={"running": {"startedAt": now}}, imageID=f"{image}@sha256:{'0' * 64}")]
    return {**made, "status": judged(status, now)}


def churn(cluster, count, ended=None, namespace=NAMESPACE):
    """COUNT changes (readiness to and fro) of the pods in NAMESPACE, in a thread; gives it."""
    thread = threading.Thread(target=run, args=(cluster, count, ended, namespace), daemon=True)
    thread.start()
    return thread


def run(cluster, count, ended, namespace):
    """Begins when somebody watches pods."""
    store = cluster.store
    with store.lock:
        while not cluster.watches.each("pods"):
            store.changed.wait(0.1)
            if cluster.closing.is_set():
                return
    names = [p["metadata"]["name"] for p in store.list(PODS, namespace)]
    for i in range(count):
        if ended and ended.is_set():
            return
        with store.lock:
            old = store.get(PODS, namespace, names[i % len(names)])
            status = dict(old["status"])
            states = status["containerStatuses"]
            status["containerStatuses"] = [dict(c, ready=not c["ready"]) for c in states]
            store.update(PODS, {**old, "status": judged(status, store.stamp())})
