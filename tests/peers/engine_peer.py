"""A container engine's API on a unix socket and on loopback, as far as a push asks for it.

It serves images that a test makes (archives.py), in the flavour of one of the real engines, records
what it was asked, and misbehaves by a fault plan (faults.py, with the positions below).

    with EnginePeer(tmp_path, "docker20", archive) as engine:
        engine.plan.add(at="export", action={"do": "delay", "seconds": 5})
        run(env={"DOCKER_HOST": engine.host})
"""
import json
import re
import tarfile
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import archives
import faults
import images
import server
import wire
from answer import Answer
from gate import Verdict
from request import Request

POSITIONS = {
    "ping": ("GET|HEAD", r"/_ping$"),
    "version": ("GET", r"/version$"),
    "info": ("GET", r"/info$"),
    "list": ("GET", r"/images/json"),
    "inspect": ("GET", r"/images/.+/json$"),
    "export": ("GET", r"/images/(.+/)?get(\?|$)"),
}
PIECE = 64 << 10


@dataclass
class Flavour:
    """An engine as it is known: what it calls itself, and how it writes an image."""
    server: str
    api: int
    oldest: int
    save: object
    ping: tuple = ()
    by_manifest: bool = False       # an image's ID is its manifest's digest: containerd's store


FLAVOURS = {
    "docker20": Flavour("Docker/20.10.24+dfsg1 (linux)", 41, 12, archives.classic),
    "docker25": Flavour("Docker/25.0.5 (linux)", 44, 24, archives.modern),
    "containerd": Flavour("Docker/29.1.0 (linux)", 52, 44, archives.containerd, by_manifest=True),
    "podman": Flavour("Libpod/4.3.1 (linux)", 41, 24, archives.podman,
                      (("Libpod-API-Version", "4.3.1"),)),
}


class Image:
    """What the engine knows of an archive's image."""

    def __init__(self, path, flavour, name=None):
        self.path = path
        with tarfile.open(path) as tar:
            def member(name):
                return tar.extractfile(name).read()
            entry = json.loads(member("manifest.json"))[0]
            config = member(entry["Config"])
            self.config = json.loads(config)
            self.tags = [name] if name else entry["RepoTags"] or []
            self.id, self.descriptor = images.digest_of(config), None
            if flavour.by_manifest:
                top = json.loads(member("index.json"))["manifests"][0]
                self.id = top["digest"]
                self.descriptor = {k: top[k] for k in ("mediaType", "digest", "size")}
            self.size = sum(m.size for m in tar.getmembers() if m.isfile())

    def digests(self):
        if not self.descriptor:
            return []
        return sorted({tag.rpartition(":")[0] + "@" + self.id for tag in self.tags})

    def is_called(self, name):
        hex = self.id.partition(":")[2]
        names = self.tags + self.digests()
        names += [tag.removeprefix("localhost/") for tag in self.tags]
        whole = name if "@" in name or ":" in name.rpartition("/")[2] else name + ":latest"
        return whole in names or name == self.id or (
            re.fullmatch("[0-9a-f]{4,64}", name) and hex.startswith(name))

    def listed(self):
        return {"Containers": -1, "Created": 1795542761, "Id": self.id, "Labels": None,
                "ParentId": "", "RepoDigests": self.digests(), "RepoTags": self.tags,
                "SharedSize": -1, "Size": self.size}

    def inspected(self):
        document = {
            "Id": self.id, "RepoTags": self.tags, "RepoDigests": self.digests(), "Parent": "",
            "Comment": "", "Created": "2026-11-24T17:52:41.569233879Z", "Author": "",
            "Config": self.config.get("config"), "Architecture": self.config["architecture"],
            "Os": self.config["os"], "Size": self.size,
            "GraphDriver": {"Data": None, "Name": "vfs"},
            "RootFS": {"Type": "layers", "Layers": self.config["rootfs"]["diff_ids"]},
            "Metadata": {"LastTagTime": "2026-11-24T17:52:41.571978443Z"}}
        if self.descriptor:
            document["Descriptor"] = self.descriptor
        return document


class Pieces:
    """A body that goes out in chunks, because an engine does not know its length."""
    kind = "chunked"

    def __init__(self, path):
        self.file = open(path, "rb")

    def read(self):
        return self.file.read(PIECE)

    def rest(self):
        return self.file.read()


class Call(Request):
    def __init__(self, engine, stream, head, origin, connection):
        super().__init__(engine, stream, head, origin, connection)
        self.engine = engine
        self.is_token = True                        # every rule's `authorised` is satisfied
        self.verdict = Verdict(True)
        self.entry = engine.record.open(method=self.method, path=self.target, origin=origin,
                                        connection=connection.number, host=head.get("Host"))

    def obtain(self):
        answer = self.route()
        answer.set("API-Version", f"1.{self.engine.api}")
        answer.set("Server", self.engine.flavour.server)
        for name, value in self.engine.flavour.ping:
            answer.set(name, value)
        return answer

    def route(self):
        url = urlsplit(self.target)
        path = url.path
        found = re.match(r"/v1\.(\d+)(/.*)", path)
        if found:
            path = found.group(2)
            objection = self.engine.object_to(int(found.group(1)))
            if objection:
                return said(400, objection)
        if path == "/_ping":
            return Answer(200, [("Content-Type", "text/plain; charset=utf-8")], b"OK")
        if path == "/version":
            return Answer.json({"ApiVersion": f"1.{self.engine.api}", "Os": "linux",
                                "MinAPIVersion": f"1.{self.engine.oldest}"})
        if path == "/info":
            return Answer.json({"ID": "peer", "Driver": "vfs", "OSType": "linux"})
        if path == "/images/json":
            return Answer.json([image.listed() for image in self.engine.images])
        return self.route_image(path, parse_qs(url.query))

    def route_image(self, path, query):
        found = re.fullmatch(r"/images/(?:(.+)/)?(json|get)", path)
        names = [unquote(found.group(1))] if found and found.group(1) else query.get("names", [])
        if not found or len(names) != 1:
            return said(404, "page not found")
        image = self.engine.find(names[0])
        if not image:
            return said(404, f"No such image: {names[0]}")
        if found.group(2) == "json":
            return Answer.json(image.inspected())
        return Answer(200, [("Content-Type", "application/x-tar"),
                            ("Transfer-Encoding", "chunked")], Pieces(image.path))


def said(status, message):
    return Answer.json({"message": message}, status)


class EnginePeer(server.Server):
    """FLAVOUR: one of FLAVOURS.  ARCHIVES: what it has; none: a small one of its kind.  API, OLDEST:
    the minor versions that it speaks.  TLS: as Server, for tcp alone."""
    exchange_class = Call

    def __init__(self, folder, flavour="docker20", *paths, api=None, oldest=None, plan=None,
                 tls=None, log=None):
        super().__init__(plan or faults.Plan(positions=POSITIONS), ("tcp",), tls=tls, log=log)
        self.flavour = FLAVOURS[flavour]
        self.api = self.flavour.api if api is None else api
        self.oldest = self.flavour.oldest if oldest is None else oldest
        self.gate = None
        self.socket = folder / "engine.sock"
        self.listeners["unix"] = wire.listen_local(self.socket)
        self.host = f"unix://{self.socket}"
        self.tcp = f"tcp://{self.addresses['tcp']}"
        paths = paths or [self.flavour.save(folder / f"{flavour}.tar", size=200_000)]
        self.images = [Image(path, self.flavour) for path in paths]

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.socket.unlink(missing_ok=True)

    def find(self, name):
        return next((image for image in self.images if image.is_called(name)), None)

    def object_to(self, minor):
        if minor > self.api:
            return (f"client version 1.{minor} is too new. Maximum supported API version is "
                    f"1.{self.api}")
        if minor < self.oldest:
            return (f"client version 1.{minor} is too old. Minimum supported API version is "
                    f"1.{self.oldest}, please upgrade your client to a newer version")
        return None


# -- what goes wrong in the middle of an export, each for {"do": ...}


def begin(exchange, after):
    """The head and AFTER bytes of an export."""
    reply = exchange.obtain()
    data = reply.body.rest()
    exchange.keep = False
    exchange.entry["status"] = reply.status
    exchange.stream.send(exchange.answer_head(reply) + wire.chunk(data[:after]))


def cut(after, how="reset"):
    """The export breaks off; how: "reset", "fin" (inside the body), "end" (as if it were whole)."""
    def act(exchange):
        begin(exchange, after)
        if how == "end":
            exchange.stream.send(wire.LAST_CHUNK)
        exchange.stream.reset() if how == "reset" else exchange.stream.close()
    return act


def fail_inside(after, message):
    """dockerd has no status left to say that it failed: it writes JSON behind what was sent."""
    def act(exchange):
        begin(exchange, after)
        text = json.dumps({"errorDetail": {"message": message}, "error": message}) + "\r\n"
        exchange.stream.send(wire.chunk(text.encode()) + wire.LAST_CHUNK)
        exchange.stream.close()
    return act


def remove(after=None):
    """The image is deleted while it is exported: before the first byte, or after so many."""
    def act(exchange):
        if after is None:
            exchange.engine.images.clear()
            exchange.proceed()
        else:
            fail_inside(after, "layer does not exist")(exchange)
            exchange.engine.images.clear()
    return act


def hang(after, seconds=600):
    """Some of the export, then silence."""
    def act(exchange):
        begin(exchange, after)
        exchange.wait(seconds)
    return act
