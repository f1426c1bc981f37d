"""The pushers: how each is called, and what each knows from one time to the next."""
import http.client
import os
import shutil
import subprocess

import runs

REPOSITORY = "bench/push"


class Contender:
    """NEEDS: an engine ("docker", "podman") or nothing.  `prepare` is not timed, `command` is."""
    needs, looks, counts_engine, cache = None, False, False, "cache"

    def __init__(self, stand):
        self.stand = stand

    def refusal(self, image):
        """Why it takes no part, or None."""
        return None

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.stand.scratch / "home"),
                "XDG_CACHE_HOME": str(self.stand.scratch / self.cache),
                "DOCKER_HOST": self.stand.docker.url if self.stand.docker else ""}

    def prepare(self, image, address):
        pass

    def forget(self):
        """As on a fresh runner."""

    def push(self, image, address, prefix=()):
        ref = f"{address}/{REPOSITORY}:1"
        self.prepare(image, address)
        engine = self.stand.docker
        before = engine.cpu() if self.needs == "docker" and engine else 0
        done = runs.run([*prefix, *self.command(image, ref)], self.environment(), self.looks,
                        self.stand.scratch / "said")
        if self.counts_engine:
            done.cpu += engine.cpu() - before
        return done


class Landed(Contender):
    looks = True

    def command(self, image, ref):
        return [self.stand.landed, "push", self.source(image), *self.target(ref), "--plain-http",
                "--progress", "none", "-q"]

    def target(self, ref):
        return [ref]

    def forget(self):
        shutil.rmtree(self.stand.scratch / self.cache, ignore_errors=True)


class LandedEngine(Landed):
    """landed push IMAGE: the name is the reference, as with docker push."""
    name, needs = "landed push IMAGE", "docker"

    def refusal(self, image):
        done = subprocess.run([self.stand.landed, "push", "--help"], capture_output=True, text=True,
                              timeout=10)
        return None if "docker-daemon:" in done.stdout else "this landed has no docker-daemon: yet"

    def prepare(self, image, address):
        self.stand.docker.tag(image, f"{address}/{REPOSITORY}:1")

    def source(self, image):
        return None

    def command(self, image, ref):
        return [word for word in super().command(image, ref) if word]


class LandedBare(LandedEngine):
    """With nothing left from the time before."""
    name = "landed push IMAGE, no local state"
    cache = "bare"

    def push(self, image, address, prefix=()):
        self.forget()
        return super().push(image, address, prefix)


class LandedArchive(Landed):
    name = "landed docker-archive:"

    def source(self, image):
        return f"docker-archive:{image.archive}"


class LandedLayout(Landed):
    name = "landed oci:"

    def source(self, image):
        return f"oci:{image.layout}"


class Docker(Contender):
    name, needs, counts_engine = "docker push", "docker", True

    def prepare(self, image, address):
        self.stand.docker.tag(image, f"{address}/{REPOSITORY}:1")

    def forget(self):
        self.stand.docker.forget()

    def push(self, image, address, prefix=()):
        return super().push(image, address)     # the engine itself is behind the link

    def command(self, image, ref):
        return ["docker", "push", "-q", ref]


class Skopeo(Contender):
    def command(self, image, ref):
        return ["skopeo", "copy", "-q", "--dest-tls-verify=false", *self.source(image),
                f"docker://{ref}"]

    def forget(self):
        shutil.rmtree(self.stand.containers / "cache", ignore_errors=True)


class SkopeoEngine(Skopeo):
    name, needs = "skopeo docker-daemon:", "docker"

    def source(self, image):
        return ["--src-daemon-host", self.stand.docker.url, f"docker-daemon:bench/{image.name}:1"]


class SkopeoArchive(Skopeo):
    name = "skopeo docker-archive:"

    def source(self, image):
        return [f"docker-archive:{image.archive}"]


class SkopeoLayout(Skopeo):
    name = "skopeo oci:"

    def source(self, image):
        return [f"oci:{image.layout}"]


class Podman(Skopeo):
    name, needs = "podman push", "podman"

    def command(self, image, ref):
        return [*self.stand.podman.args, "push", "-q", "--tls-verify=false",
                f"localhost/bench/{image.name}:1", f"docker://{ref}"]


class Curl(Contender):
    """One curl -T, one connection, one blob after another into uploads that are already open: no
    HEAD, no POST, no manifest, no hash, no proof."""
    name = "curl -T, serial"

    def prepare(self, image, address):
        self.places = []
        for _ in image.blobs():
            connection = http.client.HTTPConnection(address, timeout=10)
            connection.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
            self.places.append(connection.getresponse().headers["Location"])
            connection.close()

    def command(self, image, ref):
        words = ["curl", "-sf", "-H", "Content-Type: application/octet-stream"]
        for blob, place in zip(image.blobs(), self.places):
            words += ["-o", "/dev/null", "-T", blob, f"{place}&digest=sha256:{blob.name}"]
        return words


WARM = (LandedEngine, LandedBare, Docker, SkopeoEngine, Podman)
CHANGED = (LandedEngine, Docker, SkopeoEngine)
LINK = (LandedEngine, LandedArchive, Docker, SkopeoEngine, SkopeoArchive, Podman)
COLD = (LandedEngine, LandedArchive, Docker, SkopeoEngine, SkopeoArchive, Podman)
LAYOUT = (LandedLayout, Curl, SkopeoLayout)
