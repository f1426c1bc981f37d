"""Debian's dockerd, and podman's service, in folders of their own: no network, no container, just
images to push.

Each listens on a socket in its folder; what 127.0.0.0/8 has is plain HTTP to it.
"""
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time

START_S = 60


def missing():
    """The reason to skip, or ""."""
    if not shutil.which("dockerd"):
        return "optional tool dockerd is not installed"
    return "" if shutil.which("docker") else "optional tool docker is not installed"


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


class Engine:
    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.url = f"unix://{self.socket}"

    def __enter__(self):
        # docker.io's dockerd stands in /usr/sbin and starts its own containerd
        environment = {"PATH": "/usr/local/sbin:/usr/sbin:/sbin:" + os.environ["PATH"],
                       "HOME": str(self.folder)}
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [shutil.which("dockerd"), "--data-root", self.folder / "data",
                 "--exec-root", self.folder / "exec", "--pidfile", self.folder / "pid",
                 "-H", self.url, "--iptables=false", "--ip6tables=false", "--bridge=none",
                 "--storage-driver=vfs"], env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        try:
            self.await_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def await_answer(self):
        until = time.monotonic() + START_S
        while self.docker("version", check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("dockerd does not start:\n" + self.log()[-3000:])
            time.sleep(0.2)

    def __exit__(self, *_):
        stop(self.process)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def docker(self, *args, check=True, **how):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        done = subprocess.run(["docker", "-H", self.url, *map(str, args)], env=environment,
                              capture_output=True, text=True, timeout=60, **how)
        if check and done.returncode:
            raise RuntimeError(done.stderr)
        return done

    def make(self, name, tar):
        """An image of one layer out of the bytes of a tar; its ID."""
        with subprocess.Popen(["docker", "-H", self.url, "import", "-", name],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            out, _ = process.communicate(tar, timeout=60)
        if process.returncode:
            raise RuntimeError("docker import failed")
        return out.decode().strip()

    def load(self, archive, name):
        self.docker("load", "-i", archive)
        return self.id_of(name)

    def build(self, name, base, files):
        """An image upon BASE with one more layer: FILES, {name: bytes}; its ID.  The classic
        builder: no network, no container."""
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            dockerfile = f"FROM {base}\nCOPY files /\n".encode()
            for path, data in {"Dockerfile": dockerfile,
                               **{f"files/{k}": v for k, v in files.items()}}.items():
                info = tarfile.TarInfo(path)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        done = subprocess.run(["docker", "-H", self.url, "build", "-q", "-t", name, "-"],
                              env={"PATH": os.environ["PATH"], "HOME": str(self.folder),
                                   "DOCKER_BUILDKIT": "0"},
                              input=context.getvalue(), capture_output=True, timeout=60)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        return self.id_of(name)

    def id_of(self, name):
        return self.docker("image", "inspect", "-f", "{{.Id}}", name).stdout.strip()

    def tag(self, name, *others):
        for other in others:
            self.docker("tag", name, other)

    def remove(self, id):
        self.docker("image", "rm", "-f", id)

    def pull(self, ref):
        """Its ID."""
        self.docker("pull", "-q", ref)
        return self.id_of(ref)


def podman_missing():
    return "" if shutil.which("podman") else "optional tool podman is not installed"


class Podman:
    """podman's compatible API, with a storage of its own below FOLDER."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "podman.sock"
        self.url = f"unix://{self.socket}"
        self.command = ["podman", "--root", folder / "root", "--runroot", folder / "run",
                        "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}

    def __enter__(self):
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [*self.command, "system", "service", "--time=0", self.url],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        until = time.monotonic() + START_S
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise RuntimeError("podman does not start:\n" + self.log()[-3000:])
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        stop(self.process)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def podman(self, *args, check=True):
        done = subprocess.run([*self.command, *map(str, args)], env=self.environment,
                              capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise RuntimeError(done.stderr)
        return done

    def load(self, archive, name):
        self.podman("load", "-i", archive)
        return self.id_of(name)

    def id_of(self, name):
        return "sha256:" + self.podman("image", "inspect", "-f", "{{.Id}}", name).stdout.strip()

    def tag(self, name, *others):
        for other in others:
            self.podman("tag", name, other)

    def remove(self, id):
        self.podman("image", "rm", "-f", id)

    def pull(self, ref):
        """Its ID."""
        self.podman("pull", "-q", "--tls-verify=false", ref)
        return self.id_of(ref)
