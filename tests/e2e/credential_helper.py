"""docker-credential-landed as whoever uses it runs it: a word, a registry on stdin, JSON back."""
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from google_clients import environment

TIMEOUT_S = 60
HOST = "us-docker.pkg.dev"
NOT_FOUND = "credentials not found in native keychain"


@dataclass
class Answered:
    code: int
    out: str
    err: str

    @property
    def secret(self):
        assert self.code == 0, self
        return json.loads(self.out)["Secret"]


class Helper:
    def __init__(self, landed, google):
        self.binary = Path(landed.binary).resolve().with_name("docker-credential-landed")
        self.google, self.home = google, landed.home
        self.sanitizer = {k: v for k, v in landed.env.items() if k.endswith("SAN_OPTIONS")}

    def env(self, path=None, **more):
        """PATH: of the credential file; None: the metadata server."""
        source = ({"GOOGLE_APPLICATION_CREDENTIALS": path} if path
                  else {"GCE_METADATA_HOST": self.google.host})
        return environment(self.home, **source, **more) | self.sanitizer

    def start(self, word, env):
        return subprocess.Popen([self.binary, word], env=env, stdin=subprocess.PIPE, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait(self, running, stdin=HOST):
        out, err = running.communicate(stdin, timeout=TIMEOUT_S)
        return Answered(running.returncode, out, err)

    def __call__(self, word, path=None, stdin=HOST, **more):
        return self.wait(self.start(word, self.env(path, **more)), stdin)

    @property
    def kept(self):
        return sorted((self.home / ".cache/landed").glob("token-*.json"))

    def on_path(self):
        return f"{self.binary.parent}:{os.environ['PATH']}"
