"""The API server and what runs behind it, as one thing that a test starts."""
import base64
import json
import re
import ssl
from pathlib import Path

import faults
import server
from answer import Answer
from certs import Authority

from . import seeds, timelines
from .access import Access
from .call import Call
from .clock import Clock
from .controllers import Controllers
from .kubelet import Kubelet
from .resources import BY_NAME
from .status import bad_request
from .store import Store
from .watching import Watches

POSITIONS = {
    "get": ("GET", r"^/apis?/[^?]*/namespaces/[^/]+/\w+/[^/?]+(\?|$)"),
    "list": ("GET", r"/\w+(\?(?!.*watch=).*)?$"),
    "list-pods": ("GET", r"/pods(\?(?!.*watch=).*)?$"),
    "list-events": ("GET", r"/events(\?(?!.*watch=).*)?$"),
    "watch": ("GET", r"\?.*watch="),
    "watch-pods": ("GET", r"/pods\?.*watch="),
    "watch-events": ("GET", r"/events\?.*watch="),
    "patch": ("PATCH", "."),
    "dry-run": ("PATCH|PUT", "dryRun=All"),
    "delete": ("DELETE", "."),
    "review": ("POST", "/selfsubjectaccessreviews"),
}


class Connection(server.Connection):
    def certificate(self):
        sock = self.stream.sock
        return sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None


class Cluster(server.Server):
    """FOLDER holds its CA, certificates and kubeconfigs.  SPEED: of the timeline; 0: it moves only
    by cluster.clock.advance().  What tests set: expired_as ("event" or "status": how a watch from
    a version that is too old is refused), watch_list (False: sendInitialEvents is forbidden),
    bookmark_s, warnings; and through access, kubelet, store, watches, plan.  PREFIX: a path in
    front of all others, as gateways have.  CHANGES: of the timeline's fields."""
    connection_class, exchange_class = Connection, Call

    def __init__(self, folder, timeline=None, speed=1.0, tls=True, seed=0, rules=(), port=0,
                 log=None, prefix="", **changes):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(self.folder / "pki", "kube-ca") if tls else None
        pair = self.authority.issue("kube-apiserver") if tls else None
        super().__init__(faults.Plan(rules, POSITIONS), ("front",), tls=pair, log=log, port=port)
        if tls:
            self.context.load_verify_locations(self.authority.cert)
            self.context.verify_mode = ssl.CERT_OPTIONAL
        self.address, self.prefix = self.addresses["front"], prefix
        self.access = self.gate = Access(open=not tls)
        self.store = Store(seed)
        self.clock = Clock(self.store.lock, speed, self.bugs)
        self.store.stamp = self.clock.stamp
        self.watches = Watches(self.store)
        self.kubelet = Kubelet(self.store, self.clock)
        self.controllers = Controllers(self.store, self.clock, self.kubelet)
        self.expired_as, self.watch_list, self.bookmark_s = "event", True, 60.0
        self.warnings, self.logs = [], {}
        seeds.furnish(self.store)
        self.stage = timelines.Stage(self, timelines.get(timeline, **changes)) if timeline else None

    def __enter__(self):
        self.clock.start()
        return super().__enter__()

    def __exit__(self, *args):
        self.clock.stop()
        super().__exit__(*args)
        with self.store.lock:
            self.store.changed.notify_all()

    # -- what a client needs to come in

    def kubeconfig(self, name="config", user=None, cluster=None, namespace="default"):
        """A file; USER: its entry, by default a token of the admin.  CLUSTER: more of its entry."""
        if user is None:
            user = {"token": self.access.issue("admin").text} if self.tls else {}
        entry = {"server": self.url + self.prefix, **(cluster or {})}
        if self.tls and "insecure-skip-tls-verify" not in entry:
            entry.setdefault("certificate-authority", str(self.authority.cert))
        path = self.folder / name
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": entry}],
            "users": [{"name": "tester", "user": user}],
            "contexts": [{"name": "test", "context": {
                "cluster": "test", "user": "tester", "namespace": namespace}}]}, indent=1))
        path.chmod(0o600)
        return path

    def certificate_user(self, name="admin"):
        """A user entry with a client certificate of NAME."""
        cert, key = self.authority.issue(f"client-{name}", client=True, subject=name)
        return {"client-certificate-data": base64.b64encode(cert.read_bytes()).decode(),
                "client-key-data": base64.b64encode(key.read_bytes()).decode()}

    # -- for tests

    def get(self, plural, name, namespace="default"):
        with self.store.lock:
            return self.store.get(BY_NAME[plural], namespace, name)

    def list(self, plural, namespace="default"):
        return self.store.list(BY_NAME[plural], namespace)

    def log(self, call):
        """GET pods/NAME/log."""
        pod = self.get("pods", call.what.name, call.what.namespace)
        names = [c["name"] for c in pod["spec"]["containers"]]
        name = call.query.get("container") or names[0]
        states = {c["name"]: c for field in ("initContainerStatuses", "containerStatuses")
                  for c in pod["status"].get(field, ())}
        if name not in states and name not in names:
            raise bad_request(f'container {name} is not valid for pod {call.what.name}')
        waiting = states.get(name, {}).get("state", {}).get("waiting")
        if waiting and not states[name]["lastState"]:
            raise bad_request(f'container "{name}" in pod "{call.what.name}" is waiting to start: '
                              + WAITS.get(waiting["reason"], waiting["reason"]))
        text = next((t for pattern, t in self.logs.items()
                     if re.search(pattern, f"{call.what.name}/{name}")), "")
        return Answer(200, [("Content-Type", "text/plain")], text.encode())


WAITS = {"ErrImagePull": "image can't be pulled",
         "ImagePullBackOff": "trying and failing to pull image"}
