"""Where the pushers are measured: scratch folders, engines, registries, and the link between them."""
import ctypes
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import runs
from pushing import contenders, data, engines, link, requests
from registry import Registry

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000


def isolate(containers):
    """A network and mounts of this process's own: what is started here is seen from nowhere else,
    and skopeo and podman find their cache of blobs empty."""
    link.unshare(CLONE_NEWNS | CLONE_NEWNET)
    containers.mkdir()
    Path("/var/lib/containers").mkdir(exist_ok=True)
    for command in (["mount", "--make-rprivate", "/"],
                    ["mount", "--bind", containers, "/var/lib/containers"],
                    ["ip", "link", "set", "lo", "up"]):
        subprocess.run(command, check=True)


class NearRegistry(Registry):
    """On all addresses of this network, which is ours; HOST is the one that pushers are told."""

    def __init__(self, folder, host="127.0.0.1"):
        super().__init__(folder)
        self.host = host

    def settings(self, port):
        settings = super().settings(port)
        settings["http"]["addr"] = f"0.0.0.0:{port}"
        return settings

    def start(self, port):
        started = super().start(port)
        self.address = f"{self.host}:{port}"
        return started


class Stand:
    def __init__(self, scratch, landed, rounds):
        self.scratch, self.landed, self.rounds = scratch, landed, rounds
        self.containers = scratch / "containers"
        self.docker = self.podman = self.link = self.storage = None
        self.loaded = set()
        self.count = 0
        isolate(self.containers)
        for name in ("home", "registries"):
            (scratch / name).mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.docker:
            self.docker.stop()
        if self.link:
            self.link.__exit__()
        # podman keeps its overlay mounted, for the next command that never comes
        for mount in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if mount.split()[1].startswith(f"{self.scratch}/"):
                subprocess.run(["umount", "-l", mount.split()[1]], check=False)

    # -- what is needed, when it is needed

    def require(self, engine, image):
        if not self.storage:
            self.storage = engines.driver(self.scratch / "driver")
        if engine == "docker" and not self.docker:
            self.docker = engines.Docker(self.scratch / "docker", self.storage, link.NETWORK)
            self.docker.start()
        if engine == "podman" and not self.podman:
            self.podman = engines.Podman(self.scratch / "podman", self.storage)
        if engine and (engine, image.name) not in self.loaded:
            getattr(self, engine).load(image)
            self.loaded.add((engine, image.name))

    def lay_link(self):
        """From now on the pushers and the engine are behind it."""
        if self.link:
            return
        self.link = link.Link().__enter__()
        if self.docker:
            self.docker.stop()
            self.docker.start(self.link.prefix)

    def take_link_away(self):
        if self.link:
            if self.docker:
                self.docker.stop()
                self.docker.start()
            self.link.__exit__()
            self.link = None

    def registry(self, of=None):
        """A new one, empty or with a copy of what the folder OF holds."""
        self.count += 1
        folder = self.scratch / "registries" / str(self.count)
        if of:
            copy(of, folder)
        return NearRegistry(folder, link.HERE if self.link else "127.0.0.1")

    # -- one row

    def measure(self, row):
        """{name: [Run]} of its contenders, taking turns; {name: why not} of the others."""
        runs_of, refusals, ready = {}, {}, []
        for kind in row.contenders:
            contender = kind(self)
            why = contender.refusal(row.image)
            if why:
                refusals[contender.name] = why
                continue
            ready.append(contender)
            for image in filter(None, (row.image, row.before)):
                self.require(contender.needs, image)
        if row.over_link:
            self.lay_link()
        with ExitStack() as stack:
            scene = SCENES[row.state](self, row, stack)
            for _ in range(self.rounds):
                for contender in ready:
                    runs_of.setdefault(contender.name, []).append(scene.push(contender))
        return runs_of, refusals

    def prefix(self):
        return self.link.prefix if self.link else ()

    def ask(self, kind, image, before):
        """The requests of a push into an empty registry (BEFORE None), or over another image."""
        contender = kind(self)
        contender.forget()
        with self.registry() as registry:
            if before:
                contender.push(before, registry.address)
            folder = registry.folder
        contender.forget()
        try:
            return requests.look(contender, image, folder)
        finally:
            shutil.rmtree(folder)


def copy(of, to):
    """Blobs are written once and linked, all else is written over and copied."""
    blobs = "data/docker/registry/v2/blobs"
    repositories = "data/docker/registry/v2/repositories"
    (to / blobs).parent.mkdir(parents=True)
    subprocess.run(["cp", "-al", of / blobs, to / blobs], check=True)
    subprocess.run(["cp", "-a", of / repositories, to / repositories], check=True)


class Cold:
    """An empty registry, and nobody knows anything."""

    def __init__(self, stand, row, stack):
        self.stand, self.row = stand, row

    def start(self):
        return self.stand.registry()

    def push(self, contender):
        contender.forget()
        with self.start() as registry:
            done = contender.push(self.row.image, registry.address, self.stand.prefix())
        shutil.rmtree(registry.folder)
        return done


class Changed(Cold):
    """Fresh runner, fresh engine; under the tag is the image before the change."""

    def __init__(self, stand, row, stack):
        super().__init__(stand, row, stack)
        first = contenders.LandedArchive(stand)
        with stand.registry() as registry:
            first.push(row.before, registry.address, stand.prefix())
        self.folder = registry.folder
        stack.callback(shutil.rmtree, self.folder)

    def start(self):
        return self.stand.registry(self.folder)


class Warm:
    """Each has pushed this very image, into a registry of its own, and pushes it again."""

    def __init__(self, stand, row, stack):
        self.stand, self.row, self.stack = stand, row, stack
        self.registries = {}

    def push(self, contender):
        if contender.name not in self.registries:
            registry = self.stack.enter_context(self.stand.registry())
            self.registries[contender.name] = registry
            contender.push(self.row.image, registry.address, self.stand.prefix())
        return contender.push(self.row.image, self.registries[contender.name].address,
                              self.stand.prefix())


SCENES = {"cold": Cold, "changed": Changed, "warm": Warm}


# -- what the engine and the compressor take by themselves


def first_byte(docker, image):
    """Seconds from GET /images/NAME/get to the first byte of the export."""
    connection = http.client.HTTPConnection("docker")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(runs.TIMEOUT_S)
    connection.sock.connect(docker.url.removeprefix("unix://"))
    begun = time.monotonic()
    connection.request("GET", f"/images/bench/{image.name}:1/get")
    connection.getresponse().read(1)
    seconds = time.monotonic() - begun
    connection.close()
    return seconds


def engine_share(docker, image, rounds):
    """Medians: (to the first byte, whole export to /dev/null)."""
    firsts, wholes = [], []
    for _ in range(rounds):
        firsts.append(first_byte(docker, image))
        wholes.append(runs.run(["sh", "-c", f"docker save bench/{image.name}:1 >/dev/null"],
                               docker.environment()).seconds)
    return statistics.median(firsts), statistics.median(wholes)


def compressor_rate(path, level):
    """Bytes a second of libdeflate on one core, in members of 1 MiB as they are packed; or None."""
    try:
        library = ctypes.CDLL("libdeflate.so.0")
    except OSError:
        return None
    library.libdeflate_alloc_compressor.restype = ctypes.c_void_p
    library.libdeflate_gzip_compress.restype = ctypes.c_size_t
    packer = ctypes.c_void_p(library.libdeflate_alloc_compressor(level))
    out, size = ctypes.create_string_buffer(2 * data.MIB), ctypes.c_size_t
    with open(path, "rb") as file:
        blocks = [file.read(data.MIB) for _ in range(128)]
    blocks = [block for block in blocks if block]
    begun = time.process_time()
    for block in blocks:
        library.libdeflate_gzip_compress(packer, block, size(len(block)), out, size(2 * data.MIB))
    return sum(map(len, blocks)) / (time.process_time() - begun)


def cores():
    return len(os.sched_getaffinity(0))
