"""What the tests of the peer that plays the Kubernetes API server have in common."""
import copy
import http.client
import json
import os
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from kube import bulk

SDK = Path("/usr/lib/google-cloud-sdk/bin")
VERSIONS = ("", ".1.27", ".1.28", ".1.29", ".1.30", ".1.31", ".1.32", ".1.33")
APP = "/apis/apps/v1/namespaces/default/deployments/my-app"
PODS = "/api/v1/namespaces/default/pods"
CROWD = f"/api/v1/namespaces/{bulk.NAMESPACE}/pods"
V2 = "registry.test/acme/web:v2"


def ask(cluster, method, target, body=None, **headers):
    """(status, headers, JSON or text) of one request; names of headers have _ for -."""
    fields = {k.replace("_", "-"): v for k, v in headers.items()}
    connection = connect(cluster)
    try:
        connection.request(method, target, None if body is None else json.dumps(body), fields)
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    if answer.headers.get_content_type() == "application/json":
        return answer.status, answer.headers, json.loads(data)
    return answer.status, answer.headers, data.decode()


def connect(cluster, timeout=10):
    if cluster.scheme == "http":
        return http.client.HTTPConnection(cluster.address, timeout=timeout)
    context = ssl.create_default_context(cafile=str(cluster.authority.cert))
    return http.client.HTTPSConnection(cluster.address, timeout=timeout, context=context)


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def patch(cluster, body, target=APP, kind="strategic-merge", **headers):
    return ask(cluster, "PATCH", target, body, Content_Type=f"application/{kind}-patch+json",
               **headers)


def image_patch(image, container="app", field="containers"):
    return {"spec": {"template": {"spec": {field: [{"name": container, "image": image}]}}}}


class Watch:
    """A watch that a test reads line by line."""

    def __init__(self, cluster, target, **headers):
        self.connection = connect(cluster)
        self.connection.request("GET", target, headers={
            k.replace("_", "-"): v for k, v in headers.items()})
        self.answer = self.connection.getresponse()

    def next(self):
        """The next event, None at the end."""
        line = self.answer.readline()
        return json.loads(line) if line else None

    def rest(self):
        return list(iter(self.next, None))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def change_image(cluster, image=V2):
    """As a client does it, but without the network."""
    stage = cluster.stage
    obj = copy.deepcopy(cluster.store.get(stage.resource, *stage.key))
    spec = obj["spec"]["jobTemplate"]["spec"] if "jobTemplate" in obj["spec"] else obj["spec"]
    field = "initContainers" if stage.timeline.init else "containers"
    spec["template"]["spec"][field][0]["image"] = image
    cluster.store.update(stage.resource, obj)


def kubectls():
    """Those that are installed, by version."""
    found = {}
    for version in VERSIONS:
        name = f"kubectl{version}"
        path = shutil.which(name) or (str(SDK / name) if (SDK / name).exists() else None)
        if path:
            found[name] = path
    return found


class Kubectl:
    def __init__(self, binary, cluster, home, kubeconfig=None):
        self.binary = binary
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8",
                    "KUBECONFIG": str(kubeconfig or cluster.kubeconfig())}

    def start(self, *args):
        return subprocess.Popen([self.binary, *args], env=self.env, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def __call__(self, *args, timeout=60):
        """(exit code, stdout, stderr)"""
        process = self.start(*args)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"kubectl {' '.join(args)} hangs\n{out}{err}")
        return process.returncode, out, err

    def good(self, *args, timeout=60):
        """Its stdout; anything but exit 0 fails the test."""
        code, out, err = self(*args, timeout=timeout)
        assert code == 0, f"kubectl {' '.join(args)}: exit {code}\n{out}{err}"
        return out
