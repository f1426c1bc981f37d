"""core/v1 events as client-go's recorder writes them: counted, and silent after a burst."""
from .resources import BY_NAME

EVENTS = BY_NAME["events"]
BURST, REFILL_S = 25, 300.0         # client-go tools/record/events_cache.go


class Recorder:
    """late: every event is written so many seconds after it happened.  muted: none is."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.late, self.muted = 0.0, False
        self.known, self.spent = {}, {}

    def tell(self, obj, kind, reason, message, path=None, component="kubelet"):
        if self.muted or not self.allowed(component, obj):
            return
        host = obj.get("spec", {}).get("nodeName") if component == "kubelet" else None
        now = self.clock.stamp()
        if self.late:
            self.clock.after(self.late, self.write, obj, kind, reason, message, path, component,
                             host, now)
        else:
            self.write(obj, kind, reason, message, path, component, host, now)

    def allowed(self, component, obj):
        """The spam filter: a bucket for each source and object."""
        key, now = (component, obj["metadata"]["uid"]), self.clock.now()
        left, then = self.spent.get(key, (BURST, now))
        left = min(BURST, left + (now - then) / REFILL_S)
        self.spent[key] = (left - 1 if left >= 1 else left, now)
        return left >= 1

    def write(self, obj, kind, reason, message, path, component, host, now):
        meta = obj["metadata"]
        key = (meta["uid"], path, kind, reason, message)
        name = self.known.get(key)
        old = self.store.find(EVENTS, meta["namespace"], name) if name else None
        if old:
            self.store.update(EVENTS, {**old, "count": old["count"] + 1, "lastTimestamp": now})
            return
        name = self.known[key] = f"{meta['name']}.{self.store.random.getrandbits(64):016x}"
        self.store.create(EVENTS, {
            "metadata": {"name": name, "namespace": meta["namespace"]},
            "involvedObject": reference(obj, path), "reason": reason, "message": message,
            "source": {"component": component, **({"host": host} if host else {})},
            "firstTimestamp": now, "lastTimestamp": now, "count": 1, "type": kind,
            "eventTime": None, "reportingComponent": component, "reportingInstance": host or ""})

    def scheduled(self, pod, message, kind="Normal", reason="Scheduled"):
        """The scheduler's, made with the new events API: no timestamps, no count."""
        if self.muted:
            return
        meta = pod["metadata"]
        self.store.create(EVENTS, {
            "metadata": {"name": f"{meta['name']}.{self.store.random.getrandbits(64):016x}",
                         "namespace": meta["namespace"]},
            "involvedObject": reference(pod, None), "reason": reason, "message": message,
            "source": {}, "firstTimestamp": None, "lastTimestamp": None, "type": kind,
            "eventTime": self.clock.micro(), "reportingComponent": "default-scheduler",
            "reportingInstance": "default-scheduler-control-plane",
            "action": "Binding" if kind == "Normal" else "Scheduling"})


def reference(obj, path):
    meta = obj["metadata"]
    found = {"kind": obj["kind"], "namespace": meta["namespace"], "name": meta["name"],
             "uid": meta["uid"], "apiVersion": obj["apiVersion"],
             "resourceVersion": meta["resourceVersion"]}
    return {**found, "fieldPath": path} if path else found
