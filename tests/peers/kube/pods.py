"""The status of a pod, and the steps that change it."""
import hashlib

from .resources import BY_NAME

PODS = BY_NAME["pods"]
FIELDS = ("initContainerStatuses", "containerStatuses")


def is_gone(pod):
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True"
               for c in pod["status"].get("conditions", ()))


def with_status(pod, status):
    return {**pod, "status": status}


def waiting_state(name, image, reason):
    return {"name": name, "state": {"waiting": {"reason": reason}}, "lastState": {},
            "ready": False, "restartCount": 0, "image": image, "imageID": "", "started": False}


def fresh_status(pod, now):
    """Of a pod whose sandbox was just made."""
    spec, number = pod["spec"], int(pod["metadata"]["uid"][:4], 16)
    status = dict(pod["status"], phase="Pending", hostIP="10.0.0.1",
                  hostIPs=[{"ip": "10.0.0.1"}], startTime=now,
                  podIP=f"10.244.{number >> 8}.{number & 255}",
                  podIPs=[{"ip": f"10.244.{number >> 8}.{number & 255}"}], qosClass="BestEffort")
    init = spec.get("initContainers") or []
    status["containerStatuses"] = [
        waiting_state(c["name"], c["image"], "PodInitializing" if init else "ContainerCreating")
        for c in spec["containers"]]
    if init:
        status["initContainerStatuses"] = [
            waiting_state(c["name"], c["image"], "PodInitializing") for c in init]
    scheduled = status.get("conditions", [])[-1:]
    status["conditions"] = [condition("PodReadyToStartContainers", True, now), *scheduled]
    return judged(status, now)


def condition(kind, good, now, reason=None, message=None):
    words = {"reason": reason, "message": message} if reason else {}
    return {"type": kind, "status": "True" if good else "False", "lastProbeTime": None,
            "lastTransitionTime": now, **words}


def judged(status, now):
    """STATUS with the phase and conditions that its containers deserve."""
    init, mine = status.get(FIELDS[0], []), status.get(FIELDS[1], [])
    lagging = [c["name"] for c in init if not c["ready"]]
    unready = [c["name"] for c in mine if not c["ready"]]
    began = mine and all("running" in c["state"] or "terminated" in c["state"] or c["lastState"]
                         for c in mine)
    wanted = [
        ("Initialized", not lagging, "ContainersNotInitialized",
         f"containers with incomplete status: [{' '.join(lagging)}]"),
        ("Ready", not unready, "ContainersNotReady",
         f"containers with unready status: [{' '.join(unready)}]"),
        ("ContainersReady", not unready, "ContainersNotReady",
         f"containers with unready status: [{' '.join(unready)}]")]
    conditions = {c["type"]: c for c in status.get("conditions", ())}
    for kind, good, reason, message in wanted:
        new = condition(kind, good, now, None if good else reason, message)
        old = conditions.get(kind)
        if old and old["status"] == new["status"]:
            new["lastTransitionTime"] = old["lastTransitionTime"]
        conditions[kind] = new
    order = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady",
             "PodScheduled")
    return dict(status, phase="Running" if began and not lagging else "Pending",
                conditions=[conditions[k] for k in order if k in conditions])


class Steps:
    """What a script can say; each method takes (container status, pod, arguments...) and gives the
    status that follows."""

    def __init__(self, kubelet):
        self.kubelet, self.clock = kubelet, kubelet.clock
        self.recorder = kubelet.recorder

    def take(self, pod, name, step):
        verb, *arguments = step
        if verb == "event":
            return self.event(pod, name, *arguments)
        if verb == "unscheduled":
            return self.unscheduled(pod, *arguments)
        pod = self.kubelet.store.get(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
        status = dict(pod["status"])
        field = next(f for f in FIELDS if any(c["name"] == name for c in status.get(f, ())))
        status[field] = [getattr(self, verb)(c, pod, *arguments) if c["name"] == name else c
                         for c in status[field]]
        status = judged(status, self.clock.stamp())
        new = self.kubelet.store.update(PODS, with_status(pod, status))
        if is_ready(new):
            self.kubelet.ready_since.setdefault(new["metadata"]["uid"], self.clock.now())
        else:
            self.kubelet.ready_since.pop(new["metadata"]["uid"], None)
        if verb == "completed":
            self.kubelet.after_init(new["metadata"]["uid"], (
                new["metadata"]["namespace"], new["metadata"]["name"]), name)
        return None

    def words(self, text, pod, name):
        """TEXT with what it names filled in."""
        image = next(c["image"] for f in ("containers", "initContainers")
                     for c in pod["spec"].get(f) or () if c["name"] == name)
        meta, host = pod["metadata"], image.partition("/")[0]
        repo = image.partition("@")[0].partition("/")[2].rpartition(":")
        known = {"{image}": image, "{container}": name, "{pod}": meta["name"], "{host}": host,
                 "{namespace}": meta["namespace"], "{uid}": meta["uid"],
                 "{repo}": repo[0] or repo[2], "{tag}": repo[2] if repo[0] else "latest",
                 "{digest}": "sha256:" + hashlib.sha256(image.encode()).hexdigest()}
        if "@" in image:
            known["{tag}"] = known["{digest}"] = image.partition("@")[2]
        for key, value in known.items():
            text = text.replace(key, value)
        return text

    # -- steps

    def event(self, pod, name, kind, reason, message):
        init = any(c["name"] == name for c in pod["spec"].get("initContainers") or ())
        self.recorder.tell(pod, kind, reason, self.words(message, pod, name),
                           f"spec.{'initContainers' if init else 'containers'}{{{name}}}")

    def unscheduled(self, pod, message):
        status = dict(pod["status"], conditions=[condition(
            "PodScheduled", False, self.clock.stamp(), "Unschedulable", message)])
        self.kubelet.store.update(PODS, with_status(pod, status))
        self.recorder.scheduled(pod, message, "Warning", "FailedScheduling")

    def waiting(self, state, pod, reason, message=None):
        words = {"message": self.words(message, pod, state["name"])} if message else {}
        last = state["lastState"]
        if "terminated" in state["state"]:
            last = state["state"]
        return dict(state, state={"waiting": {"reason": reason, **words}}, lastState=last,
                    ready=False, started=False)

    def running(self, state, pod):
        image_id, image = self.kubelet.id_of(state["image"])
        return dict(state, state={"running": {"startedAt": self.clock.stamp()}}, started=True,
                    image=image, imageID=image_id,
                    containerID=self.container_id(state, pod))

    def ready(self, state, pod):
        return dict(state, ready=True)

    def unready(self, state, pod):
        return dict(state, ready=False)

    def terminated(self, state, pod, code, reason, message=None):
        begun = state["state"].get("running", {}).get("startedAt", self.clock.stamp())
        words = {"message": self.words(message, pod, state["name"])} if message else {}
        return dict(state, ready=False, started=False, state={"terminated": {
            "exitCode": code, "reason": reason, **words, "startedAt": begun,
            "finishedAt": self.clock.stamp(),
            "containerID": state.get("containerID") or self.container_id(state, pod)}})

    def completed(self, state, pod):
        """The good end of an init container."""
        done = self.terminated(self.running(state, pod), pod, 0, "Completed")
        return dict(done, ready=True)

    def restarted(self, state, pod):
        return self.running(self.again(state), pod)

    def not_started(self, state, pod, message):
        return self.waiting(self.again(state), pod, "RunContainerError", message)

    def again(self, state):
        last = state["state"] if "terminated" in state["state"] else state["lastState"]
        return dict(state, lastState=last, restartCount=state["restartCount"] + 1)

    def container_id(self, state, pod):
        text = f"{pod['metadata']['uid']}/{state['name']}/{state['restartCount']}"
        return "containerd://" + hashlib.sha256(text.encode()).hexdigest()
