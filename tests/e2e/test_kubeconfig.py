"""kubectl is the oracle: with one kubeconfig both reach the same server as the same, or both refuse."""
import base64
import glob
import json
import os
import re
import shutil
import subprocess

import pytest

from certs import Authority
from conftest import SECRET
from kube_recorder import Proxy, Recorder

V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"


def newest_kubectl():
    """(path, minor version) of the newest kubectl at hand; (None, 0) without any."""
    found = [path for path in [shutil.which("kubectl"),
                               *glob.glob("/usr/lib/google-cloud-sdk/bin/kubectl.1.*")] if path]
    best = (None, 0)
    for path in found:
        done = subprocess.run([path, "version", "--client", "-o", "json"], capture_output=True,
                              text=True, timeout=60)
        match = re.search(r'"gitVersion": "v1\.(\d+)\.\d+"', done.stdout)
        if match and int(match.group(1)) > best[1]:
            best = (path, int(match.group(1)))
    return best


@pytest.fixture(scope="session")
def kubectl():
    path, minor = newest_kubectl()
    if not path:
        pytest.skip("optional tool kubectl is not installed")
    return path, minor


class World:
    """Two API servers, a CA, certificates, proxies; kubeconfigs that name them."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = Authority(folder / "ca")
        self.other_ca = Authority(folder / "other-ca")
        server = self.ca.issue("server", hosts=("IP:127.0.0.1", "DNS:localhost"))
        named = self.ca.issue("named", hosts=("DNS:kubernetes.example",))
        self.client = self.ca.issue("jane", client=True)
        self.a = Recorder(server, self.ca.cert)
        self.b = Recorder(server, self.ca.cert)
        self.named = Recorder(named, self.ca.cert)
        self.plain = Recorder()
        self.proxy = Proxy(self.a.port)
        self.socks = Proxy(self.a.port, socks=True)
        self.servers = {"a": self.a, "b": self.b, "named": self.named, "plain": self.plain}

    def close(self):
        for peer in (*self.servers.values(), self.proxy, self.socks):
            peer.close()

    def forget(self):
        for server in self.servers.values():
            server.entries.clear()
            server.names.clear()
            server.refused.clear()
        self.proxy.places.clear()
        self.socks.places.clear()

    def record(self):
        """The last request that any server got, and what proxies were asked."""
        last = [(name, server.entries[-1]) for name, server in self.servers.items()
                if server.entries]
        return {"last": last, "proxy": sorted(set(self.proxy.places)),
                "socks": sorted(set(self.socks.places))}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("kube"))
    yield world
    world.close()


@pytest.fixture(autouse=True)
def forgetful(world):
    world.forget()


def data(path):
    return base64.b64encode(path.read_bytes()).decode()


def config(cluster, user, context=None, **more):
    """A kubeconfig as a document: one cluster, one user, one context."""
    return {"apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": context or {"cluster": "c", "user": "u"}}]} | more


def at(w, server="a", **more):
    return {"server": w.servers[server].url, "certificate-authority-data": data(w.ca.cert)} | more


def plugin(w, name, status, api=V1BETA1, code=0, **more):
    """A user whose plugin says STATUS and leaves what it was told in NAME.info."""
    path = w.folder / name
    said = json.dumps({"kind": "ExecCredential", "apiVersion": more.pop("says", api),
                       "status": status})
    path.write_text(f"#!/bin/sh\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" >'{path}.info'\n"
                    f"printf '%s %s' \"$*\" \"$GREETING\" >'{path}.args'\n"
                    f"echo 'no luck today' >&2\ncat <<'END'\n{said}\nEND\nexit {code}\n")
    path.chmod(0o755)
    return {"exec": {"apiVersion": api, "command": str(path), "interactiveMode": "Never"} | more}


FUTURE = "2099-01-01T00:00:00Z"
TOKEN = {"token": f"{SECRET}-t"}
CERTS = "client-certificate", "client-key"


def certificate(w):
    return {"client-certificate-data": data(w.client[0]), "client-key-data": data(w.client[1])}


REACHES = {
    "token": lambda w: config(at(w), TOKEN),
    "ca-by-file": lambda w: config({"server": w.a.url, "certificate-authority": "ca/test-ca.crt"},
                                   TOKEN),
    "certificate-by-file": lambda w: config(at(w), {"client-certificate": "ca/jane.crt",
                                                    "client-key": "ca/jane.key"}),
    "certificate-data": lambda w: config(at(w), certificate(w)),
    "certificate-and-token": lambda w: config(at(w), certificate(w) | TOKEN),
    "basic": lambda w: config(at(w), {"username": "jane", "password": SECRET}),
    "user-name-alone": lambda w: config(at(w), {"username": "jane"}),
    "token-file": lambda w: config(at(w), {"tokenFile": "token"}),
    "token-and-file": lambda w: config(at(w), {"tokenFile": "token"} | TOKEN),
    "token-and-lost-file": lambda w: config(at(w), {"tokenFile": "not-there"} | TOKEN),
    "token-and-plugin": lambda w: config(at(w), TOKEN | plugin(w, "idle", {"token": "other"})),
    "insecure": lambda w: config({"server": w.a.url, "insecure-skip-tls-verify": True}, TOKEN),
    "insecure-yes": lambda w: f"clusters: [{{name: c, cluster: {{server: '{w.a.url}', "
                              "insecure-skip-tls-verify: yes}}]\n"
                              f"users: [{{name: u, user: {{token: {SECRET}}}}}]\n"
                              "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                              "current-context: x\n",
    "server-name": lambda w: config(
        at(w, "named", **{"tls-server-name": "kubernetes.example"}), TOKEN),
    "path": lambda w: config(at(w) | {"server": w.a.url + "/k8s/clusters/c-1/"}, TOKEN),
    "no-scheme-with-ca": lambda w: config(at(w) | {"server": f"127.0.0.1:{w.plain.port}"}, TOKEN),
    "no-scheme": lambda w: config({"server": f"127.0.0.1:{w.plain.port}"}, TOKEN),
    "plain-is-shown-nothing": lambda w: config({"server": w.plain.url}, TOKEN),
    "proxy": lambda w: config(at(w, **{"proxy-url": f"http://127.0.0.1:{w.proxy.port}"}), TOKEN),
    "socks": lambda w: config(at(w, **{"proxy-url": f"socks5://127.0.0.1:{w.socks.port}"}), TOKEN),
    "socks-looks-up": lambda w: config(
        at(w, **{"proxy-url": f"socks5://127.0.0.1:{w.socks.port}"})
        | {"server": "https://localhost:6443"}, TOKEN),
    "impersonation": lambda w: config(at(w), TOKEN | {
        "as": "ann", "as-uid": "17", "as-groups": ["ops", "dev"],
        "as-user-extra": {"Reason": ["drill"], "a/b": ["1", "2"]}}),
    "plugin": lambda w: config(at(w), plugin(w, "says-token", TOKEN)),
    "plugin-with-expiry": lambda w: config(
        at(w), plugin(w, "says-expiry", TOKEN | {"expirationTimestamp": FUTURE})),
    "plugin-says-certificate": lambda w: config(at(w), plugin(w, "says-cert", {
        "clientCertificateData": w.client[0].read_text(),
        "clientKeyData": w.client[1].read_text()})),
    "plugin-by-relative-path": lambda w: config(at(w), plugin(
        w, "near", TOKEN, command="./near")),
    "plugin-is-told": lambda w: config(
        at(w, extensions=[{"name": "client.authentication.k8s.io/exec",
                           "extension": {"audience": "k8s", "n": [1, True, None]}}]),
        plugin(w, "told", TOKEN, args=["--cluster", "a b"], provideClusterInfo=True,
               env=[{"name": "GREETING", "value": "hello"}])),
    "plugin-v1": lambda w: config(at(w), plugin(w, "v1", TOKEN, api=V1)),
    "unused-user-is-broken": lambda w: config(at(w), TOKEN, users=[
        {"name": "u", "user": TOKEN}, {"name": "old", "user": {"exec": {"command": "x"}}}]),
    "unknown-fields": lambda w: config(at(w, future=1), TOKEN | {"later": {"a": []}}),
    "json": lambda w: json.dumps(config(at(w), TOKEN)),
    "anchors": lambda w: f"base: &base {{token: {SECRET}-a}}\n"
                         + json_lines(config(at(w), {})).replace('"user": {}', '"user": *base', 1),
    "merge-key": lambda w: f"base: &base {{token: {SECRET}-m}}\n"
                           + json_lines(config(at(w), {})).replace('"user": {}',
                                                                   '"user": {<<: *base}', 1),
    "twice-the-last": lambda w: json.dumps(config(at(w), {})).replace(
        '"user": {}', f'"user": {{"token": "first", "token": "{SECRET}-l"}}', 1),
    "byte-order-mark": lambda w: "\ufeff" + json.dumps(config(at(w), TOKEN)),
    "second-document": lambda w: json.dumps(config(at(w), TOKEN)) + "\n---\nkind: Other\n",
    "date-is-text": lambda w: json_lines(config(at(w), {})).replace(
        '"user": {}', '"user": {"token": 2001-01-01}', 1),
}

REFUSES = {
    "empty": lambda w: "",
    "no-current-context": lambda w: config(at(w), TOKEN, **{"current-context": ""}),
    "context-not-there": lambda w: config(at(w), TOKEN, **{"current-context": "y"}),
    "cluster-not-there": lambda w: config(at(w), TOKEN, {"cluster": "y", "user": "u"}),
    "user-not-there": lambda w: config(at(w), TOKEN, {"cluster": "c", "user": "y"}),
    "nobody": lambda w: config(at(w), {}),
    "no-user": lambda w: config(at(w), TOKEN, {"cluster": "c"}),
    "no-server": lambda w: config({"certificate-authority-data": data(w.ca.cert)}, TOKEN),
    "unknown-authority": lambda w: config({"server": w.a.url}, TOKEN),
    "another-authority": lambda w: config(
        at(w) | {"certificate-authority-data": data(w.other_ca.cert)}, TOKEN),
    "another-name": lambda w: config(at(w, "named"), TOKEN),
    "authority-twice": lambda w: config(at(w, **{"certificate-authority": "ca/test-ca.crt"}),
                                        TOKEN),
    "authority-and-insecure": lambda w: config(at(w, **{"insecure-skip-tls-verify": True}), TOKEN),
    "authority-not-there": lambda w: config({"server": w.a.url, "certificate-authority": "gone"},
                                            TOKEN),
    "authority-is-no-pem": lambda w: config(
        at(w) | {"certificate-authority-data": "aGVsbG8="}, TOKEN),
    "authority-is-no-base64": lambda w: config(
        at(w) | {"certificate-authority-data": "a%b"}, TOKEN),
    "certificate-twice": lambda w: config(at(w), certificate(w)
                                          | {"client-certificate": "ca/jane.crt"}),
    "certificate-without-key": lambda w: config(at(w), {"client-certificate": "ca/jane.crt"}),
    "key-without-certificate": lambda w: config(at(w), {"client-key": "ca/jane.key"}),
    "token-and-password": lambda w: config(at(w), TOKEN | {"username": "j", "password": SECRET}),
    "file-and-password": lambda w: config(at(w), {"tokenFile": "token", "username": "j",
                                                  "password": SECRET}),
    "token-file-not-there": lambda w: config(at(w), {"tokenFile": "not-there"}),
    "token-file-empty": lambda w: config(at(w), {"tokenFile": "nothing"}),
    "token-is-a-number": lambda w: json_lines(config(at(w), {"token": 17})),
    "token-is-yes": lambda w: json_lines(config(at(w), {})).replace(
        '"user": {}', '"user": {"token": yes}', 1),
    "insecure-is-text": lambda w: config(at(w, **{"insecure-skip-tls-verify": "true"}), TOKEN),
    "proxy-of-another-kind": lambda w: config(at(w, **{"proxy-url": "ftp://127.0.0.1"}), TOKEN),
    "groups-of-nobody": lambda w: config(at(w), TOKEN | {"as-groups": ["ops"]}),
    "auth-provider": lambda w: config(at(w), {"auth-provider": {"name": "gcp"}}),
    "auth-provider-and-plugin": lambda w: config(
        at(w), {"auth-provider": {"name": "gcp"}} | plugin(w, "beside", TOKEN)),
    "plugin-fails": lambda w: config(at(w), plugin(w, "fails", TOKEN, code=3)),
    "plugin-not-there": lambda w: config(
        at(w), {"exec": {"apiVersion": V1BETA1, "command": "no-such-plugin",
                         "installHint": "get it\nthere"}}),
    "plugin-without-command": lambda w: config(at(w), {"exec": {"apiVersion": V1BETA1}}),
    "plugin-of-alpha": lambda w: config(at(w), plugin(
        w, "alpha", TOKEN, api="client.authentication.k8s.io/v1alpha1")),
    "plugin-says-another-version": lambda w: config(at(w), plugin(w, "other", TOKEN, says=V1)),
    "plugin-says-nothing": lambda w: config(at(w), plugin(w, "nothing-said", {})),
    "plugin-says-half": lambda w: config(at(w), plugin(
        w, "half", {"clientCertificateData": w.client[0].read_text()})),
    "plugin-v1-without-mode": lambda w: config(at(w), plugin(
        w, "no-mode", TOKEN, api=V1, interactiveMode="")),
    "plugin-wants-a-terminal": lambda w: config(at(w), plugin(
        w, "terminal", TOKEN, interactiveMode="Always")),
    "kind": lambda w: config(at(w), TOKEN, kind="Pod"),
    "version": lambda w: config(at(w), TOKEN, apiVersion="v2"),
    "cluster-stands-twice": lambda w: config(at(w), TOKEN, clusters=[
        {"name": "c", "cluster": at(w)}, {"name": "c", "cluster": at(w)}]),
    "list": lambda w: "[]",
    "users-are-no-list": lambda w: config(at(w), TOKEN, users={"u": TOKEN}),
    "no-yaml": lambda w: "\tclusters: [",
}


def json_lines(document):
    """JSON that is YAML by lines, so that something can stand before it."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in document.items())


def write(folder, name, document):
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(0o600)
    return path


def run_kubectl(kubectl, home, env):
    home.mkdir(exist_ok=True)
    return subprocess.run([kubectl[0], "version", "-o", "json", "--request-timeout=10s"],
                          env={"PATH": os.environ["PATH"], "HOME": str(home)} | env, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def run_landed(landed, env):
    done = landed("doctor", "-o", "json", *landed.credential(), env=env)
    found = [f for f in json.loads(done.out) if f["check"] == "kubeconfig"]
    text = json.dumps(found)
    assert SECRET not in text and SECRET not in done.err, done
    return [f["severity"] for f in found], text


def hold(world, kubectl, landed, env, reaches):
    """Runs both and compares what servers and proxies saw of them."""
    theirs = run_kubectl(kubectl, landed.home / "kubectl", env)
    seen_of_theirs = world.record()
    world.forget()
    severities, text = run_landed(landed, env)
    seen_of_ours = world.record()
    assert bool(seen_of_theirs["last"]) == reaches, theirs.stderr
    assert seen_of_ours == seen_of_theirs, f"{text}\n{theirs.stderr}"
    assert (theirs.returncode == 0) == reaches, theirs.stderr
    assert ("warning" not in severities) == reaches, text
    return text


def needs(kubectl, id):
    if ("v1" in id.split("-") or "twice" in id) and kubectl[1] < 22:
        pytest.skip("optional tool kubectl.1.22 or newer is not installed")


@pytest.fixture
def prepared(world):
    (world.folder / "token").write_text(f"{SECRET}-file\n")
    (world.folder / "nothing").write_text("\n")
    return world


@pytest.mark.parametrize("id", REACHES)
def test_reaches(id, prepared, kubectl, landed):
    needs(kubectl, id)
    path = write(prepared.folder, "config", REACHES[id](prepared))
    text = hold(prepared, kubectl, landed, {"KUBECONFIG": str(path)}, True)
    assert "v1.33.1" in text


@pytest.mark.parametrize("id", REFUSES)
def test_refuses(id, prepared, kubectl, landed):
    needs(kubectl, id)
    path = write(prepared.folder, "config", REFUSES[id](prepared))
    hold(prepared, kubectl, landed, {"KUBECONFIG": str(path)}, False)


def test_plugin_is_told_the_same(prepared, kubectl, landed):
    path = write(prepared.folder, "config", REACHES["plugin-is-told"](prepared))
    told = []
    for run in (lambda: run_kubectl(kubectl, landed.home / "kubectl", {"KUBECONFIG": str(path)}),
                lambda: run_landed(landed, {"KUBECONFIG": str(path)})):
        run()
        told.append((json.loads((prepared.folder / "told.info").read_text()),
                     (prepared.folder / "told.args").read_text()))
    assert told[0] == told[1]
    assert told[0][1] == "--cluster a b hello"


# -- several files


def parts(w):
    return {
        "cluster": {"clusters": [{"name": "c", "cluster": at(w)}]},
        "other-cluster": {"clusters": [{"name": "c", "cluster": at(w, "b")}]},
        "half-cluster": {"clusters": [{"name": "c", "cluster": {"server": w.b.url}}]},
        "user": {"users": [{"name": "u", "user": TOKEN}]},
        "other-user": {"users": [{"name": "u", "user": {"token": f"{SECRET}-other"}}]},
        "basic-user": {"users": [{"name": "u", "user": {"username": "u", "password": SECRET}}]},
        "context": {"contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "x"},
        "current": {"current-context": "x"},
        "other-current": {"current-context": "y"},
        "broken": "clusters: [",
        "whole": config(at(w), TOKEN),
        "empty": "",
    }


FILES = {
    "parts": ("cluster user context", True),
    "reversed": ("context user cluster", True),
    "first-cluster": ("other-cluster cluster user context", True),
    "first-user": ("other-user user cluster context", True),
    "current-of-another": ("current whole", True),
    "not-there": ("gone whole", True),
    "empty-entries": (" whole ", True),
    "twice": ("whole whole", True),
    "empty-file": ("empty whole", True),
    "first-current": ("other-current whole", False),
    "broken": ("whole broken", False),
    "none-there": ("gone gone-too", False),
    "entry-is-not-mixed": ("half-cluster cluster user context", False),
    "user-is-not-mixed": ("basic-user user cluster context", True),
}


@pytest.mark.parametrize("id", FILES)
def test_files(id, prepared, kubectl, landed):
    names, reaches = FILES[id]
    for name, document in parts(prepared).items():
        write(prepared.folder, name, document)
    paths = [str(prepared.folder / name) if name else "" for name in names.split(" ")]
    hold(prepared, kubectl, landed, {"KUBECONFIG": ":".join(paths)}, reaches)


def test_home(prepared, kubectl, landed):
    for home in (landed.home, landed.home / "kubectl"):
        (home / ".kube").mkdir(parents=True)
        write(home / ".kube", "config", config(at(prepared), TOKEN))
    hold(prepared, kubectl, landed, {}, True)


# -- what kubectl does not do


def test_token_file_is_read_again(prepared, landed):
    path = write(prepared.folder, "config", REACHES["token-file"](prepared))
    prepared.a.refused.add(f"Bearer {SECRET}-file")
    severities, text = run_landed(landed, {"KUBECONFIG": str(path)})
    assert "warning" in severities and "does not take the login" in text
    shown = [dict(e["headers"])["authorization"] for e in prepared.a.entries]
    assert set(shown) == {f"Bearer {SECRET}-file"}


GKE = {"apiVersion": V1BETA1, "command": "gke-gcloud-auth-plugin", "interactiveMode": "Never",
       "installHint": "install it", "provideClusterInfo": True}


def test_gke_without_its_plugin(prepared, landed, google, files):
    """Google's token is our own: the plugin is not on PATH, and nothing of it is missed."""
    user = {"exec": GKE | {"args": ["--use_application_default_credentials"]}}
    path = write(prepared.folder, "config", config(at(prepared), user))
    done = landed("doctor", "-o", "json", "--cred", "adc",
                  env={"KUBECONFIG": str(path), "PATH": str(prepared.folder),
                       "GOOGLE_APPLICATION_CREDENTIALS": str(files.service_account())})
    shown = dict(prepared.a.entries[-1]["headers"])["authorization"]
    assert google.bearer(shown.removeprefix("Bearer ")), done
    assert "v1.33.1" in done.out


def test_gke_falls_back_to_its_plugin(prepared, landed):
    """Where nobody is logged in at Google the plugin is run as kubectl runs it."""
    landed.write_helper("gke-gcloud-auth-plugin", "#!/bin/sh\necho '" + json.dumps(
        {"kind": "ExecCredential", "apiVersion": V1BETA1, "status": TOKEN}) + "'\n")
    path = write(prepared.folder, "config", config(at(prepared), {"exec": GKE}))
    severities, text = run_landed(landed, {"KUBECONFIG": str(path), "NO_GCE_CHECK": "true"})
    assert "v1.33.1" in text and "warning" not in severities
    shown = dict(prepared.a.entries[-1]["headers"])["authorization"]
    assert shown == f"Bearer {TOKEN['token']}"


def test_plugin_hint(prepared, landed):
    path = write(prepared.folder, "config", REFUSES["plugin-not-there"](prepared))
    assert "get it there" in run_landed(landed, {"KUBECONFIG": str(path)})[1]
