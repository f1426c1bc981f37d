"""On a healthy registry: every source, every kind of image, every way of saying the result."""
import json
import subprocess

import pytest

import archives
import images
from conftest import assert_landed, pull, skopeo

LAYOUTS = {
    "single": images.single,
    "docker-types": lambda p: images.single(p, docker=True),
    "index": images.multi,
    "index-attested": lambda p: images.multi(p, attestations=True),
    "foreign-layer": images.foreign,
    "duplicate-layers": images.duplicates,
    "zstd-types": images.zstd_types,
    "empty-layer": images.empty_layer,
}


def refs(front, repo, *tags):
    return [f"{front.address}/{repo}:{tag}" for tag in tags]


@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS)
def test_layout(make, landed, front, registry, repo, tmp_path):
    """The very bytes of the layout arrive: same digest, every child, every blob."""
    made = make(tmp_path / "layout")
    done = landed.push(made.source(), *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", made.digest)
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{registry.address}/{repo}:1")
    assert images.digest_of(raw.stdout.encode()) == made.digest
    if make is not images.foreign:
        assert pull(registry, repo, "1", tmp_path / "pulled") == ""


def test_children_before_the_index(landed, front, repo, tmp_path):
    made = images.multi(tmp_path / "layout", attestations=True)
    landed.push(made.source(), *refs(front, repo, "1"))
    puts = front.record.where("PUT", "/manifests/", status=201)
    assert len(puts) == 5 and puts[-1]["path"].endswith("/manifests/1")


def test_duplicate_layers_travel_once(landed, front, repo, tmp_path):
    made = images.duplicates(tmp_path / "layout")
    landed.push(made.source(), *refs(front, repo, "1"))
    commits = [e["path"].rpartition("digest=")[2] for e in front.record.where("PUT", "digest=")]
    assert len(commits) == len(set(commits)) == len(made.blobs())


def test_foreign_layer_stays_where_it_is(landed, front, registry, repo, tmp_path):
    made = images.foreign(tmp_path / "layout")
    done = landed.push(made.source(), *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", made.digest)
    assert registry.storage.layers(repo) == made.blobs()


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_one_platform(architecture, landed, front, registry, repo, tmp_path):
    made = images.multi(tmp_path / "layout", attestations=True)
    child = next(c for c in made.manifest()["manifests"]
                 if c["platform"]["architecture"] == architecture)
    done = landed.push(made.source(), *refs(front, repo, "1"), "--platform",
                       f"linux/{architecture}")
    assert_landed(done, registry, repo, "1", child["digest"])
    assert registry.storage.layers(repo) == made.blobs(child["digest"])


def test_platform_that_is_not_there(landed, front, registry, repo, tmp_path):
    made = images.multi(tmp_path / "layout")
    done = landed.push(made.source(), *refs(front, repo, "1"), "--platform", "linux/s390x")
    assert done.code == 40, str(done)
    assert "s390x" in done.err
    assert registry.storage.tag(repo, "1") is None


def test_source_named_by_its_ref(landed, front, registry, repo, tmp_path):
    layout = images.Layout(tmp_path / "layout")
    for number, name in enumerate(("first", "second"), 1):
        layout.name(layout.add_image([images.make_layer(50_000, number)]), name)
    wanted = {e["annotations"][images.REF_NAME]: e["digest"] for e in layout.entries}
    done = landed.push(layout.source("first"), *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", wanted["first"])
    done = landed.push(layout.source(), *refs(front, repo, "2"))
    assert done.code in (2, 40), "two images and no name: nobody may guess\n" + str(done)
    done = landed.push(layout.source("third"), *refs(front, repo, "3"))
    assert done.code == 40 and "third" in done.err, str(done)


def test_oci_archive(landed, front, registry, repo, image, tmp_path):
    path = archives.from_layout(tmp_path / "image.tar", image)
    done = landed.push(f"oci-archive:{path}", *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", image.digest)


FORMS = {"classic": archives.classic, "modern": archives.modern, "containerd": archives.containerd}


def config_digest(registry, repo, tag):
    return json.loads(registry.storage.manifest(repo, tag))["config"]["digest"]


@pytest.mark.parametrize("form", ["classic", "modern"])
def test_docker_archive(form, landed, front, registry, repo, tmp_path):
    """The digest is ours to choose (layers get compressed); the image ID is not."""
    path = FORMS[form](tmp_path / "image.tar")
    done = landed.push(f"docker-archive:{path}", *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", registry.storage.tag(repo, "1"))
    assert pull(registry, repo, "1", tmp_path / "pulled") == ""
    name = archives.manifest_json(path)[0]["Config"]
    assert name.removesuffix(".json").rpartition("/")[2] in config_digest(registry, repo, "1")


def test_containerd_archive_keeps_its_digest(landed, front, registry, repo, tmp_path):
    path = archives.containerd(tmp_path / "image.tar")
    done = landed.push(f"docker-archive:{path}", *refs(front, repo, "1"))
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == []
    # the original compressed layers, not new ones
    wanted = {"sha256:" + p.rpartition("/")[2] for p in archives.manifest_json(path)[0]["Layers"]}
    assert wanted <= registry.storage.layers(repo)


def test_docker_archive_is_deterministic(landed, front, registry, repo, tmp_path):
    path = archives.classic(tmp_path / "image.tar")
    first = landed.push(f"docker-archive:{path}", *refs(front, repo, "1"))
    second = landed.push(f"docker-archive:{path}", *refs(front, repo, "2"))
    assert first.code == second.code == 0, str(second)
    assert first.digest == second.digest


@pytest.mark.parametrize("form", FORMS)
def test_docker_save_pipe(form, landed, front, registry, repo, tmp_path):
    """docker save | landed push docker-archive:- REF"""
    path = FORMS[form](tmp_path / "image.tar")
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as save:
        done = landed.push("docker-archive:-", *refs(front, repo, "1"), stdin=save.stdout)
    assert_landed(done, registry, repo, "1", registry.storage.tag(repo, "1"))


def test_gzipped_archive(landed, front, registry, repo, tmp_path):
    path = archives.classic(tmp_path / "image.tar", size=100_000)
    subprocess.run(["gzip", "-1", path], check=True)
    done = landed.push(f"docker-archive:{path}.gz", *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", registry.storage.tag(repo, "1"))


def test_second_push_sends_nothing(landed, front, registry, repo, image):
    assert landed.push(image.source(), *refs(front, repo, "1")).code == 0
    front.record.clear()
    done = landed.push(image.source(), *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", image.digest)
    assert front.record.count("POST", "/blobs/uploads/") == 0
    assert front.record.count("PATCH") == 0


def test_new_tag_on_old_blobs_sends_only_the_manifest(landed, front, registry, repo, image):
    assert landed.push(image.source(), *refs(front, repo, "1")).code == 0
    front.record.clear()
    done = landed.push(image.source(), *refs(front, repo, "2"))
    assert_landed(done, registry, repo, "2", image.digest)
    assert front.record.count("POST", "/blobs/uploads/") == 0


def test_only_the_missing_layer_is_sent(landed, front, registry, repo, tmp_path):
    shared = [images.make_layer(100_000, i) for i in range(3)]
    first, second = images.Layout(tmp_path / "a"), images.Layout(tmp_path / "b")
    first.name(first.add_image(shared))
    second.name(second.add_image(shared + [images.make_layer(100_000, 9)]))
    assert landed.push(first.source(), *refs(front, repo, "1")).code == 0
    front.record.clear()
    done = landed.push(second.source(), *refs(front, repo, "2"))
    assert_landed(done, registry, repo, "2", second.digest)
    assert front.record.count("PUT", "digest=", status=201) == 2     # one layer, one config


def test_tag_is_moved(landed, front, registry, repo, tmp_path):
    old, new = images.single(tmp_path / "a", seed=51), images.single(tmp_path / "b", seed=52)
    assert landed.push(old.source(), *refs(front, repo, "1")).code == 0
    done = landed.push(new.source(), *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", new.digest)


def test_additional_tags(landed, front, registry, repo, image):
    done = landed.push(image.source(), *refs(front, repo, "1"), "--additional-tag", "1.4",
                       "--additional-tag", "newest")
    assert done.code == 0, str(done)
    assert {t: registry.storage.tag(repo, t) for t in registry.storage.tags(repo)} == dict.fromkeys(
        ("1", "1.4", "newest"), image.digest)


def test_several_refs(landed, front, registry, repo, image):
    done = landed.push(image.source(), f"{front.address}/{repo}:1", f"{front.address}/{repo}x:2")
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == [] and registry.problems(repo + "x", "2") == []
    assert done.out.count(image.digest) == 2


def test_push_by_digest(landed, front, registry, repo, image):
    done = landed.push(image.source(), f"{front.address}/{repo}@{image.digest}")
    assert done.code == 0, str(done)
    assert registry.problems(repo, image.digest) == []


def test_push_to_another_digest_is_refused(landed, front, registry, repo, image):
    wrong = "sha256:" + "0" * 64
    done = landed.push(image.source(), f"{front.address}/{repo}@{wrong}")
    assert done.code == 11, str(done)
    assert front.record.count("PUT") == 0


def test_mount(landed, front, registry, repo, image):
    assert landed.push(image.source(), f"{front.address}/{repo}-base:1").code == 0
    front.record.clear()
    done = landed.push(image.source(), *refs(front, repo, "1"), "--mount-from", f"{repo}-base")
    assert_landed(done, registry, repo, "1", image.digest)
    assert front.record.count("POST", "mount=", status=201) >= 3
    assert front.record.count("PATCH") <= 1          # the config may travel: it is small


@pytest.mark.parametrize("action", [{"do": "nomount"}, {"do": "error", "status": 405,
                                    "code": "UNSUPPORTED", "message": "no mounts here"},
                                    {"do": "error", "status": 400, "code": "UNSUPPORTED",
                                     "message": "no mounts here"}], ids=["202", "405", "400"])
def test_mount_that_is_not_granted(action, landed, front, registry, repo, image):
    assert landed.push(image.source(), f"{front.address}/{repo}-base:1").code == 0
    front.plan.add(at="mount", times=0, action=action)
    done = landed.push(image.source(), *refs(front, repo, "1"), "--mount-from", f"{repo}-base")
    assert_landed(done, registry, repo, "1", image.digest)


# -- where the result is said


def test_stdout_is_the_result_only(landed, front, repo, image):
    done = landed.push(image.source(), *refs(front, repo, "1"))
    assert done.out == f"{front.address}/{repo}@{image.digest}\n", str(done)


@pytest.mark.parametrize("form, pattern", [("digest", "{digest}\n"), ("ref", "{name}@{digest}\n")])
def test_output_forms(form, pattern, landed, front, repo, image):
    done = landed.push(image.source(), *refs(front, repo, "1"), "-o", form)
    assert done.out == pattern.format(digest=image.digest, name=f"{front.address}/{repo}")


def test_output_json(landed, front, repo, image):
    done = landed.push(image.source(), *refs(front, repo, "1"), "-o", "json")
    assert done.code == 0, str(done)
    assert image.digest in json.dumps(json.loads(done.out))


def test_quiet(landed, front, repo, image):
    done = landed.push(image.source(), *refs(front, repo, "1"), "-q")
    assert done.code == 0 and done.err == "", str(done)
    assert done.digest == image.digest


def test_files(landed, front, repo, image, tmp_path):
    digest, metadata, receipt = (tmp_path / n for n in ("digest", "metadata", "receipt"))
    done = landed.push(image.source(), *refs(front, repo, "1"), "--digest-file", digest,
                       "--metadata-file", metadata, "--receipt", receipt)
    assert done.code == 0, str(done)
    assert digest.read_text().strip() == image.digest
    data = json.loads(metadata.read_text())
    assert data["containerimage.digest"] == image.digest
    assert data["image.name"].endswith(f"{repo}:1")
    text = json.dumps(json.loads(receipt.read_text()))
    # by the bare hex: a statement's subject writes digests without the algorithm in front
    assert all(d.partition(":")[2] in text for d in [image.digest, *image.blobs()])


@pytest.mark.parametrize("option", ["--digest-file", "--metadata-file", "--receipt"])
def test_files_only_after_the_proof(option, landed, front, repo, image, tmp_path):
    front.plan.add(at="manifest", times=0, action={"do": "lie"})
    path = tmp_path / "file"
    done = landed.push(image.source(), *refs(front, repo, "1"), option, path, "--settle", "1s")
    assert done.code == 10, str(done)
    if option != "--receipt":
        assert not path.exists()


def test_closed_stdout_is_not_success(landed, front, registry, repo, image):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [landed.binary, "push", image.source(), *refs(front, repo, "1"), *landed.credential()],
            env=landed.env, stdout=full, stderr=subprocess.PIPE, timeout=30, text=True)
    assert done.returncode == 3, done.stderr
    assert registry.whole(repo, "1")


@pytest.mark.parametrize("progress", ["plain", "json", "none", "tty"])
def test_progress_stays_on_stderr(progress, landed, front, repo, image):
    done = landed.push(image.source(), *refs(front, repo, "1"), "--progress", progress)
    assert done.code == 0, str(done)
    assert len(done.out.splitlines()) == 1
    if progress == "json":
        for line in done.err.splitlines():
            json.loads(line)


def test_big_layer(landed, front, registry, repo, tmp_path):
    made = images.single(tmp_path / "layout", size=40 << 20, layers=2)
    done = landed.push(made.source(), *refs(front, repo, "1"))
    assert_landed(done, registry, repo, "1", made.digest)


def test_plain_registry_without_auth(landed, registry, repo, image):
    done = landed("push", image.source(), f"{registry.address}/{repo}:1", "--cred", "anon")
    assert_landed(done, registry, repo, "1", image.digest)


# -- verify


def test_verify(landed, front, repo, image):
    landed.push(image.source(), *refs(front, repo, "1"))
    done = landed.verify(*refs(front, repo, "1"))
    assert done.code == 0 and done.digest == image.digest, str(done)
    assert landed.verify(*refs(front, repo, "1"), "--expect", image.digest).code == 0
    assert landed.verify(f"{front.address}/{repo}@{image.digest}").code == 0


def test_verify_another_digest(landed, front, repo, image):
    landed.push(image.source(), *refs(front, repo, "1"))
    done = landed.verify(*refs(front, repo, "1"), "--expect", "sha256:" + "0" * 64)
    assert done.code == 11 and image.digest in done.err, str(done)


def test_verify_nothing_there(landed, front, repo):
    done = landed.verify(*refs(front, repo, "1"))
    assert done.code == 10 and done.seconds < 5, str(done)


@pytest.mark.parametrize("depth, code", [("manifest", 0), ("tree", 12), ("bytes", 12)])
def test_verify_missing_layer(depth, code, landed, front, registry, repo, image):
    landed.push(image.source(), *refs(front, repo, "1"))
    lost = image.manifest()["layers"][0]["digest"]
    assert registry.delete_blob(repo, lost) == 202
    done = landed.verify(*refs(front, repo, "1"), "--depth", depth)
    assert done.code == code, str(done)
    assert code == 0 or lost in done.err


def test_verify_damaged_layer(landed, front, registry, repo, tmp_path):
    """Only a reader of every byte sees this one."""
    made = images.single(tmp_path / "layout", size=100_000, seed=77)
    landed.push(made.source(), *refs(front, repo, "1"))
    path = registry.storage.blob_path(made.manifest()["layers"][0]["digest"])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert landed.verify(*refs(front, repo, "1"), "--depth", "bytes").code == 12


@pytest.mark.parametrize("depth", ["manifest", "tree", "bytes"])
def test_verify_index(depth, landed, front, repo, tmp_path):
    made = images.multi(tmp_path / "layout", attestations=True)
    landed.push(made.source(), *refs(front, repo, "1"))
    assert landed.verify(*refs(front, repo, "1"), "--depth", depth).code == 0
