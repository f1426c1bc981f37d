"""A real docker-registry on a free loopback port, in one of its modes of authentication."""
import base64
import http.client
import json
import signal
import ssl
import subprocess
import time
from pathlib import Path

import wire
from truth import Storage

START_S = 15
ISSUER, SERVICE = "test-issuer", "test-registry"


def free_port():
    with wire.listen() as sock:
        return sock.getsockname()[1]


class Registry:
    """mode: plain, basic (user/password through htpasswd -B) or token (JWTs that the registry
    verifies by itself; needs a TokenServer).  tls: (cert, key[, client CA]), as in Front."""

    def __init__(self, folder, mode="plain", user="user", password="secret", tokens=None, tls=None,
                 config=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mode, self.user, self.password = mode, user, password
        self.tokens, self.tls = tokens, tls
        self.extra = config or {}
        self.storage = Storage(self.folder / "data")
        self.process = None
        self.address = None

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.address}"

    def settings(self, port):
        http = {"addr": f"127.0.0.1:{port}", "secret": "shared-by-nobody"}
        if self.tls:
            http["tls"] = {"certificate": str(self.tls[0]), "key": str(self.tls[1])}
            if len(self.tls) > 2 and self.tls[2]:
                http["tls"]["clientcas"] = [str(self.tls[2])]
        settings = {
            "version": 0.1, "http": http,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "data"),
                                       "maxthreads": 100},
                        "delete": {"enabled": True},
                        "maintenance": {"uploadpurging": {"enabled": False}}},
            # a foreign layer is stored by its manifest only; without this its urls are refused
            "validation": {"manifests": {"urls": {"allow": [".*"]}}},
        }
        if self.mode == "basic":
            settings["auth"] = {"htpasswd": {"realm": SERVICE, "path": str(self.htpasswd())}}
        elif self.mode == "token":
            settings["auth"] = {"token": {
                "realm": self.tokens.url, "service": SERVICE, "issuer": ISSUER,
                "rootcertbundle": str(self.tokens.cert)}}
        return settings | self.extra

    def htpasswd(self):
        path = self.folder / "htpasswd"
        done = subprocess.run(["htpasswd", "-Bbn", "-C", "5", self.user, self.password], check=True,
                              capture_output=True, timeout=30)
        path.write_bytes(done.stdout)
        return path

    def __enter__(self):
        # the port may be taken between our look and the registry's bind: try another one then
        for _ in range(5):
            if self.start(free_port()):
                return self
            self.stop()
        raise RuntimeError("docker-registry does not start: " + self.log_tail())

    def __exit__(self, *_):
        self.stop()

    def start(self, port):
        self.address = f"127.0.0.1:{port}"
        # JSON is YAML
        (self.folder / "config.yml").write_text(json.dumps(self.settings(port)))
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(self.folder / "config.yml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.answers(port):
                return True
            time.sleep(0.02)
        return False

    def answers(self, port):
        try:
            if self.tls:
                # only that it listens: it may want a client certificate that we do not have
                wire.connect("127.0.0.1", port, timeout=2).close()
                return True
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/v2/")
            status = connection.getresponse().status
            connection.close()
            return status in (200, 401)
        except (OSError, http.client.HTTPException):
            return False

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def log_tail(self):
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    # the truth, see truth.py

    def whole(self, repo, reference):
        return self.storage.whole(repo, reference)

    def problems(self, repo, reference):
        return self.storage.problems(repo, reference)

    def request(self, method, target, body=None, headers=None):
        """(status, headers, body) of a request on our own account; for preparing a scene."""
        if self.tls:
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(self.address, timeout=10, context=context)
        else:
            connection = http.client.HTTPConnection(self.address, timeout=10)
        headers = dict(headers or {})
        if self.mode == "basic":
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def put_blob(self, repo, data, digest):
        _, headers, _ = self.request("POST", f"/v2/{repo}/blobs/uploads/")
        target = headers["Location"].split(self.address, 1)[1]
        return self.request("PUT", f"{target}&digest={digest}", data,
                            {"Content-Type": "application/octet-stream"})[0]

    def put_manifest(self, repo, reference, data, kind):
        return self.request("PUT", f"/v2/{repo}/manifests/{reference}", data,
                            {"Content-Type": kind})[0]

    def delete_blob(self, repo, digest):
        return self.request("DELETE", f"/v2/{repo}/blobs/{digest}")[0]
