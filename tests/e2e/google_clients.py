"""How a client gets an access token from a credential file: Google's own tools, and ours.

A minter is a function (google, path of the credential file, home) -> Minted.  All of them run with
a home of their own and a proxy that is closed, so that no request leaves this machine.
"""
import json
import os
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from conftest import PROGRAM
from front import Front
from gate import Gate

TIMEOUT_S = 60
CLOSED = "127.0.0.1:9"
CLOSED_PROXY = f"http://{CLOSED}"


@dataclass
class Minted:
    code: int
    token: str
    expires: str                  # RFC 3339, or None where the client does not tell
    err: str

    def __repr__(self):
        return f"exit {self.code}, expires {self.expires}\n{self.err}"


def need(tool):
    if not shutil.which(tool):
        pytest.skip(f"optional tool {tool} is not installed")


def environment(home, **more):
    home.mkdir(parents=True, exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8",
            "CLOUDSDK_CONFIG": str(home / "gcloud"), "DOCKER_CONFIG": str(home / "docker"),
            "KUBECONFIG": str(home / "kubeconfig"), "HTTPS_PROXY": CLOSED_PROXY,
            "https_proxy": CLOSED_PROXY, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1",
            **{k: str(v) for k, v in more.items()}}


def run(args, env, stdin=""):
    return subprocess.run(args, env=env, input=stdin, capture_output=True, text=True,
                          timeout=TIMEOUT_S)


def adc_command(*args, read, stdin=""):
    """The minter of a program that looks for Application Default Credentials.  READ: its stdout to
    (token, expiry or None)."""
    def mint(google, path, home, **more):
        """PATH None: the metadata server."""
        need(args[0])
        source = ({"GOOGLE_APPLICATION_CREDENTIALS": path} if path
                  else {"GCE_METADATA_HOST": google.host})
        done = run(args, environment(home, **source, **more), stdin)
        token, expires = read(done.stdout) if done.returncode == 0 else (None, None)
        return Minted(done.returncode, token, expires, done.stderr)
    return mint


# -- gke-gcloud-auth-plugin: golang.org/x/oauth2


def exec_credential(out):
    status = json.loads(out)["status"]
    return status["token"], status.get("expirationTimestamp")


plugin = adc_command("gke-gcloud-auth-plugin", "--use_application_default_credentials",
                     read=exec_credential)


# -- gcloud: google-auth for Python, with the habits of the SDK


def gcloud_environment(google, path, home, **more):
    """PATH None: the metadata server."""
    source = ({"CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": path,
               "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false"} if path else
              {"GCE_METADATA_ROOT": google.host, "CLOUDSDK_CORE_CHECK_GCE_METADATA": "true"})
    return environment(
        home, CLOUDSDK_CORE_DISABLE_PROMPTS=1, CLOUDSDK_CORE_DISABLE_USAGE_REPORTING="true",
        CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1, CLOUDSDK_SURVEY_DISABLE_PROMPTS="true",
        CLOUDSDK_AUTH_TOKEN_HOST=f"{google.url}/token",
        CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS=f"{google.url}/", **source, **more)


def gcloud(google, path, home, **more):
    need("gcloud")
    done = run(["gcloud", "config", "config-helper", "--format=json(credential)"],
               gcloud_environment(google, path, home, **more))
    credential = json.loads(done.stdout)["credential"] if done.returncode == 0 else {}
    return Minted(done.returncode, credential.get("access_token"), credential.get("token_expiry"),
                  done.stderr)


def docker_credential_gcloud(google, path, home, **more):
    need("docker-credential-gcloud")
    done = run(["docker-credential-gcloud", "get"], gcloud_environment(google, path, home, **more),
               stdin="us-docker.pkg.dev")
    answer = json.loads(done.stdout) if done.returncode == 0 else {}
    assert answer.get("Username") in (None, "_dcgcloud_token")
    return Minted(done.returncode, answer.get("Secret"), None, done.stderr)


# -- landed: `verify` of a tag that is not there mints once


UNKNOWN = {"at": "get-tag", "times": 0, "action": {
    "do": "error", "status": 404, "code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}}
ABSENT = 10


def landed(google, path, home, **more):
    """PATH None: the metadata server.  What it minted is what it showed to a registry."""
    source = ({"GOOGLE_APPLICATION_CREDENTIALS": path} if path
              else {"GCE_METADATA_HOST": google.host})
    with Front(f"http://{CLOSED}", Gate("bearer", google=google), "gar", [UNKNOWN]) as front:
        done = run([PROGRAM, "verify", f"{front.address}/a/b:1", "--cred", "adc"],
                   environment(home, **source, **more))
        shown = {token.credential.token.text for token in front.gate.issued}
    if done.returncode != ABSENT:
        return Minted(done.returncode or 1, None, None, done.stderr)
    assert len(shown) == 1 and front.bugs == []
    return Minted(0, shown.pop(), None, done.stderr)


MINTERS = {"plugin": plugin, "gcloud": gcloud, "docker-credential-gcloud": docker_credential_gcloud,
           "landed": landed}
