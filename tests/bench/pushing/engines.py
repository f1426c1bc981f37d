"""The real engines, in folders of their own: Debian's dockerd and podman."""
import os
import shutil
import signal
import subprocess
import time

import runs

START_S = 60


def driver(folder):
    """overlay where it can be mounted; vfs writes each layer as often as there are layers above."""
    for name in ("lower", "upper", "work", "merged"):
        (folder / name).mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                           f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work",
                           folder / "merged"], capture_output=True)
    if done.returncode == 0:
        subprocess.run(["umount", folder / "merged"], check=True)
    return "overlay" if done.returncode == 0 else "vfs"


class Docker:
    """dockerd 20.10, started by hand; `forget` makes a fresh engine with its images of it."""

    def __init__(self, folder, storage, link_network):
        self.folder = folder
        self.storage = "overlay2" if storage == "overlay" else "vfs"
        self.link_network = link_network
        self.url = f"unix://{folder}/docker.sock"
        self.process = None
        folder.mkdir(parents=True)

    def start(self, prefix=()):
        environment = {"PATH": "/usr/local/sbin:/usr/sbin:/sbin:" + os.environ["PATH"],
                       "HOME": str(self.folder)}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, "dockerd", "--data-root", self.folder / "data",
                 "--exec-root", self.folder / "exec", "--pidfile", self.folder / "pid",
                 "-H", self.url, "--iptables=false", "--ip6tables=false", "--bridge=none",
                 f"--storage-driver={self.storage}", "--insecure-registry", self.link_network],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        until = time.monotonic() + START_S
        while subprocess.run(["docker", "-H", self.url, "version"], env=environment,
                             capture_output=True, timeout=START_S).returncode:
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-3000:])
            time.sleep(0.2)

    def stop(self):
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process = None

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "DOCKER_HOST": self.url}

    def docker(self, *args, log=None):
        return runs.run(["docker", *args], self.environment(), log=log or self.folder / "said")

    def load(self, image):
        self.docker("load", "-q", "-i", image.archive)

    def tag(self, image, ref):
        self.docker("tag", f"bench/{image.name}:1", ref)

    def forget(self):
        """What it has learned of registries: dockerd reads these files anew each time."""
        for kind in ("diffid-by-digest", "v2metadata-by-diffid"):
            for path in (self.folder / "data/image").glob(f"*/distribution/{kind}"):
                shutil.rmtree(path)
                path.mkdir(mode=0o700)

    def cpu(self):
        return runs.process_cpu(self.process.pid)


class Podman:
    """Without a daemon: a root of its own, and the policy that everything may be pushed."""

    def __init__(self, folder, storage):
        folder.mkdir(parents=True)
        self.folder = folder
        self.args = ["podman", "--root", folder / "root", "--runroot", folder / "run",
                     "--tmpdir", folder / "tmp", "--storage-driver", storage,
                     "--cgroup-manager", "cgroupfs", "--events-backend", "none"]

    def load(self, image):
        runs.run([*self.args, "load", "-q", "-i", image.archive], log=self.folder / "said")
