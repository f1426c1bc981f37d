"""The engine's client against a peer that misbehaves, and both against the real engines."""
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

import archives
import images
from certs import Authority
from conftest import PROGRAM
from engine import Engine, missing, stop
from engine_peer import FLAVOURS, cut, fail_inside, hang, remove

CLIENT = str(Path(PROGRAM).parent / "landed-engine-client")
APP = "acme/app:1"


@dataclass
class Said:
    code: int
    out: bytes
    err: dict

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def all_words(self):
        return " ".join(str(self.err[k]) for k in ("message", "evidence", "cause", "hint")
                        if k in self.err)


def start(host, *args, timeout_ms=40_000, env=None, program=CLIENT, **how):
    environment = {"PATH": os.environ["PATH"], "ENGINE_TIMEOUT_MS": str(timeout_ms),
                   **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}}
    if host:
        environment["DOCKER_HOST"] = host
    return subprocess.Popen([program, *map(str, args)], env=environment | (env or {}),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **how)


def ended(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 1), err.decode()
    return Said(process.returncode, out, json.loads(err) if process.returncode else {})


def ask(host, *args, **how):
    return ended(start(host, *args, **how))


def works(host, *args, **how):
    said = ask(host, *args, **how)
    assert said.code == 0, said.err
    return said


def fails(code, words, host, *args, **how):
    said = ask(host, *args, **how)
    assert said.code == 1, said.out[:1000]
    assert said.err["code"] == code, said.err
    assert words in said.all_words, said.err
    return said


@pytest.fixture
def peer(make_peer):
    return make_peer("docker20")


def archive_of(peer):
    return peer.images[0].path.read_bytes()


# -- what all is well with


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_flavour(flavour, make_peer):
    peer = make_peer(flavour)
    image, known = peer.images[0], FLAVOURS[flavour]
    opened = works(peer.host, "open").json
    assert opened["product"] == known.server and opened["is_podman"] == (flavour == "podman")
    assert opened["api_minor"] == min(known.api, 48)
    found = works(peer.host, "inspect", APP).json
    assert found["id"] == image.id and found["repo_tags"] == image.tags
    assert found["diff_ids"] == image.config["rootfs"]["diff_ids"]
    assert found["platform"] == "linux/amd64" and found["size_bytes"] == image.size
    assert found.get("descriptor") == image.descriptor
    assert works(peer.host, "images").json == [
        {"id": image.id, "repo_tags": image.tags, "repo_digests": image.digests()}]
    for name in (APP, image.id, image.id.split(":")[1][:12], *image.digests()):
        assert works(peer.host, "export", name).out == archive_of(peer)
        assert works(peer.host, "inspect", name).json == found


def test_over_tcp(peer):
    assert works(peer.tcp, "export", APP).out == archive_of(peer)
    assert works(peer.tcp.removeprefix("tcp://"), "inspect", APP).json["repo_tags"] == [APP]


def test_platform_is_only_named_where_it_is_understood(make_peer):
    new = make_peer("containerd")
    works(new.host, "export", APP, "linux/arm64/v8")
    asked, = new.record.where("GET", r"/get\?")
    assert asked["path"].startswith("/v1.48/images/acme/app:1/get?platform=")
    works(new.host, "export", APP)
    assert new.record.count("GET", r"/get$") == 1
    new.__exit__(None, None, None)
    old = make_peer("docker25")
    works(old.host, "export", APP, "linux/arm64/v8")
    assert old.record.count("GET", r"/get\?") == 0


@pytest.mark.long
def test_first_byte_is_waited_for(peer):
    """Longer than a transport's stall timeout."""
    rule = peer.plan.add(at="export", action={"do": "delay", "seconds": 17})
    assert works(peer.host, "export", APP).out == archive_of(peer)
    assert rule.fired


# -- who is asked


def test_context(peer, place):
    config = place / "docker"
    env = {"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "there"}
    fails("no-source", "docker context use default", None, "open", env=env)
    folder = config / "contexts/meta" / images.digest_of(b"there").split(":")[1]
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": "there", "Endpoints": {
        "docker": {"Host": peer.host, "SkipTLSVerify": False}}}))
    assert works(None, "open", env=env).json["why"] == "docker's context 'there'"
    (config / "config.json").write_text('{"currentContext": "there"}')
    works(None, "inspect", APP, env={"DOCKER_CONFIG": str(config)})


def test_sockets_of_a_user(peer, place):
    (place / "podman").mkdir()
    (place / "podman/podman.sock").symlink_to(peer.socket)
    said = ask(None, "open", env={"XDG_RUNTIME_DIR": str(place)})
    if os.path.lexists("/var/run/docker.sock"):
        assert "/var/run/docker.sock" in said.all_words + said.out.decode()     # comes first
        return
    assert said.json["why"] == "the default" and said.json["host"].endswith("/podman.sock")


def test_tls(make_peer, place):
    authority = Authority(place / "ca")
    stranger = Authority(place / "other")
    client = authority.issue("client", client=True)
    peer = make_peer("docker20", tls=(*authority.issue("engine"), authority.cert))
    certs = place / "certs"
    certs.mkdir()
    env = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certs)}
    fails("local", "ca.pem", peer.tcp, "open", env=env)
    shutil.copy(stranger.cert, certs / "ca.pem")
    fails("no-source", "does not answer", peer.tcp, "open", env=env)
    shutil.copy(authority.cert, certs / "ca.pem")
    fails("no-source", "does not answer", peer.tcp, "open", env=env)     # no client certificate
    shutil.copy(client[0], certs / "cert.pem")
    shutil.copy(client[1], certs / "key.pem")
    assert works(peer.tcp, "export", APP, env=env).out == archive_of(peer)
    (certs / "ca.pem").unlink()
    works(peer.tcp, "open", env={"DOCKER_TLS": "1", "DOCKER_CERT_PATH": str(certs)})


# -- who cannot be asked


def test_nobody_there(place):
    fails("no-source", "unset DOCKER_HOST", f"unix://{place}/none.sock", "open")
    fails("no-source", "No such file", f"unix://{place}/none.sock", "open")
    fails("no-source", "DOCKER_HOST", "tcp://127.0.0.1:1", "open")
    fails("usage", "docker save IMAGE | landed push docker-archive:- REF", "ssh://a", "open")


def test_socket_that_we_may_not_use(peer, place):
    place.chmod(0o755)
    peer.socket.chmod(0o600)
    shutil.copy(CLIENT, place / "client")
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    if not nobody:
        peer.socket.chmod(0)
    said = fails("local", "Permission denied", peer.host, "open", program=place / "client",
                 **nobody)
    assert "usermod -aG docker" in said.err["hint"]


OTHERS = {
    "a web server": ({"do": "answer", "status": 404, "body": "<h1>Not here</h1>"}, "Not here"),
    "one that says yes": ({"do": "answer", "status": 200, "body": "OK"}, "no container engine"),
    "a TLS port": ({"do": "answer", "status": 400, "body":
                    "Client sent an HTTP request to an HTTPS server.\n"}, "DOCKER_TLS_VERIFY=1"),
    "not HTTP": ({"do": "raw", "text": "SSH-2.0-OpenSSH_9.2\r\n"}, "does not answer"),
    "another API": ({"do": "headers", "set": {"API-Version": "2.0"}}, "no container engine"),
    "no number": ({"do": "headers", "set": {"API-Version": "1.x"}}, "no container engine"),
    "an old one": ({"do": "headers", "set": {"API-Version": "1.12"}}, "too old"),
    "a sick one": ({"do": "headers", "status": 503}, "answered with 503"),
    "a deaf one": ({"do": "close"}, "does not answer"),
}


@pytest.mark.parametrize("id", OTHERS)
def test_no_engine(id, make_peer):
    action, words = OTHERS[id]
    peer = make_peer("docker20")
    peer.plan.add(at="ping", action=action)
    said = fails("no-source", words, peer.host, "open")
    assert peer.host in said.err["message"] and "DOCKER_HOST" in said.err["message"]


def test_engine_that_is_too_new_for_us(make_peer):
    peer = make_peer("containerd", api=70, oldest=60)
    fails("no-source", "Minimum supported API version is 1.60", peer.host, "inspect", APP)


# -- what it says


def test_no_such_image(peer):
    for word in ("inspect", "export"):
        said = fails("no-source", "No such image", peer.host, word, "acme/other")
        assert "docker pull acme/other" in said.err["hint"]


@pytest.mark.parametrize("name", ["", "a b", "a?b", "a#b", "../../info", "a/../b", "a//b", "/a",
                                  "a/", "a%2e", "a\n", "x" * 600])
def test_name_that_is_none(name, peer):
    for word in ("inspect", "export"):
        fails("usage", "neither", peer.host, word, name)
    assert peer.record.count("GET", "/images/") == 0


ANSWERS = {
    "no JSON": ({"do": "answer", "status": 200, "body": "<html>"}, "corrupt", "not valid JSON"),
    "another's": ({"do": "answer", "status": 200, "body": "{}"}, "corrupt", "'Id' is missing"),
    "without end": ({"do": "flood", "megabytes": 64}, "corrupt", "more than"),
    "cut": ({"do": "cut"}, "no-source", "does not answer"),
    "a failure": ({"do": "answer", "status": 500, "body": '{"message": "disk on fire"}'},
                  "no-source", "disk on fire"),
    "a redirect": ({"do": "answer", "status": 301, "headers": {"Location": "/v1.41/info"}},
                   "no-source", "answered with 301"),
}


@pytest.mark.parametrize("id", ANSWERS)
def test_answer(id, peer):
    action, code, words = ANSWERS[id]
    peer.plan.add(at="inspect", action=action)
    fails(code, words, peer.host, "inspect", APP)


# -- an export that goes wrong

EXPORTS = {
    "reset": (cut(50_000), 50_000, ""),
    "closed": (cut(50_000, "fin"), 50_000, ""),
    "ended politely": (cut(50_000, "end"), 50_000, "the archive has no end"),
    "ended at once": (cut(0, "end"), 0, "the archive has no end"),
    "failed inside": (fail_inside(70_000, "no space left on device"), 70_000,
                      "no space left on device"),
    "image removed": (remove(51_200), 51_200, "layer does not exist"),
}


@pytest.mark.parametrize("id", EXPORTS)
def test_export(id, peer):
    action, bytes, words = EXPORTS[id]
    peer.plan.add(at="export", action={"do": action})
    said = fails("corrupt", f"ended the export after {bytes} bytes", peer.host, "export", APP)
    assert words in said.all_words and "log" in said.err["hint"]


def test_image_removed_before_its_export(peer):
    peer.plan.add(at="export", action={"do": remove()})
    fails("no-source", "has no image", peer.host, "export", APP)


def test_refused_export(peer):
    peer.plan.add(at="export", action={"do": "answer", "status": 500,
                                       "body": '{"message": "no space left on device"}'})
    fails("no-source", "no space left on device", peer.host, "export", APP)


@pytest.mark.parametrize("action", [hang(50_000), "before"])
def test_waiting_ends(action, peer):
    """At the deadline, and at a signal at once; before the first byte and behind it."""
    spec = {"do": "stall", "seconds": 600} if action == "before" else {"do": action}
    peer.plan.add(at="export", times=0, action=spec)
    fails("timeout", peer.host, peer.host, "export", APP, timeout_ms=1500)
    process = start(peer.host, "export", APP)
    try:
        for _ in range(600):
            if peer.record.count("GET", "/get$") == 2:
                break
            threading.Event().wait(0.05)
        process.send_signal(signal.SIGTERM)
        said = ended(process)
        assert said.code == 1 and said.err["code"] == "cancelled", said.err
    finally:
        process.kill()


# -- the real ones

READ = ("Id", "RepoTags", "RepoDigests", "Os", "Architecture", "Size", "RootFS")


@pytest.fixture(scope="session")
def app():
    """An image of three layers, one of them twice, as an archive that every engine loads."""
    with tempfile.TemporaryDirectory(prefix="landed-engine-") as folder:
        yield archives.classic(Path(folder) / "app.tar", APP, 300_000)


@pytest.fixture(scope="session")
def dockerd(dockerd, app):
    dockerd.docker("load", "-i", app)
    return dockerd


@pytest.fixture(scope="session")
def podman(podman, app):
    podman.podman("load", "-i", app)
    return podman


def named(listed, name):
    """Of all images the one that is called so."""
    return next(i for i in listed if any(
        tag in (name, f"localhost/{name}", f"docker.io/{name}")
        for tag in (i.get("RepoTags") or i.get("repo_tags") or ())))


def members(archive):
    """What an archive is made of, by kind: names without their digests."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {re.sub(r"[0-9a-f]{64}", "ID", m.name) + (" link" if m.issym() else "")
                for m in tar if not m.isdir()}


def config_of(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        entry = json.load(tar.extractfile("manifest.json"))[0]
        return entry, tar.extractfile(entry["Config"]).read()


def raw(socket, path):
    done = subprocess.run(["curl", "-s", "--unix-socket", socket, f"http://localhost{path}"],
                          capture_output=True, check=True, timeout=60)
    return json.loads(done.stdout)


def held_against(engine, flavour, app, make_peer):
    """The peer plays the engine: same fields, same kinds of files, same failures.  The real export."""
    peer = make_peer(flavour, app)
    peer.images[0].tags = raw(engine.socket, f"/v1.41/images/{APP}/json")["RepoTags"]
    for path in (f"/v1.41/images/{APP}/json", "/v1.41/images/json"):
        real, played = raw(engine.socket, path), raw(peer.socket, path)
        if isinstance(real, list):
            real, played = named(real, APP), played[0]
        else:
            assert real["RootFS"] == played["RootFS"]
            assert all(type(real[key]) is type(played[key]) for key in READ)
        assert all(real[key] == played[key] for key in ("Id", "RepoTags"))
    for url in (engine.url, peer.host):
        for word in ("inspect", "export"):
            fails("no-source", "has no image 'nope'", url, word, "nope")
    own = FLAVOURS[flavour].save(peer.socket.parent / "own.tar", size=300_000)
    export = works(engine.url, "export", APP).out
    assert members(export) == members(own.read_bytes())
    return export


def test_real_docker(dockerd, app, make_peer):
    _, config = config_of(app.read_bytes())
    opened = works(dockerd.url, "open").json
    assert opened["api_minor"] == 41 and opened["product"].startswith("Docker/20.10")
    assert not opened["is_podman"]
    found = works(dockerd.url, "inspect", APP).json
    assert found["id"] == images.digest_of(config) and found["repo_tags"] == [APP]
    assert found["diff_ids"] == json.loads(config)["rootfs"]["diff_ids"]
    assert found["platform"] == "linux/amd64" and "descriptor" not in found
    listed = named(works(dockerd.url, "images").json, APP)
    assert listed["id"] == found["id"] and listed["repo_tags"] == [APP]
    export = held_against(dockerd, "docker20", app, make_peer)
    entry, exported = config_of(export)
    assert exported == config and len(entry["Layers"]) == len(found["diff_ids"])
    by_id = works(dockerd.url, "export", found["id"].split(":")[1][:12]).out
    assert config_of(by_id)[0]["RepoTags"] is None and members(by_id) <= members(export)


def test_real_podman(podman, app, make_peer):
    _, config = config_of(app.read_bytes())
    opened = works(podman.url, "open").json
    assert opened["is_podman"] and opened["product"].startswith("Libpod/")
    found = works(podman.url, "inspect", APP).json
    assert found["id"] == images.digest_of(config)
    assert found["repo_tags"] == [f"localhost/{APP}"] or found["repo_tags"] == [f"docker.io/{APP}"]
    assert found["diff_ids"] == json.loads(config)["rootfs"]["diff_ids"]
    listed = named(works(podman.url, "images").json, APP)
    assert listed["id"] == found["id"]
    assert listed["repo_digests"] == found["repo_digests"] != []
    export = held_against(podman, "podman", app, make_peer)
    assert config_of(export)[1] == config


def test_engine_that_dies(app, place):
    """A real one, in the middle of an export: its end is told as such."""
    if missing():
        pytest.skip(missing())
    with Engine(place) as engine:
        engine.make("acme/big:1", images.layer_tar(64 << 20, 5))
        process = start(engine.url, "export", "acme/big:1")
        try:
            assert process.stdout.read(1 << 20)
            stop(engine.process)
            said = ended(process)
        finally:
            process.kill()
        assert said.code == 1 and said.err["code"] == "corrupt", said.err
        assert "ended the export after" in said.err["message"]
