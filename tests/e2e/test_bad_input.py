"""Wrong input: the documented code, one line that names the subject, and nothing sent."""
import pytest

import broken
import images
from conftest import SECRET

LONG = "a" * 5000

REFERENCES = {
    "empty": "", "blank": " ", "upper": "HOST/Acme/App:1", "space": "HOST/a b:1",
    "no-repo": "HOST/", "no-repo-tag": "HOST:1/", "double-slash": "HOST/a//b:1",
    "dots": "HOST/../b:1",
    "dot-start": "HOST/.a:1", "dash-end": "HOST/a-:1", "triple-underscore": "HOST/a___b:1",
    "tag-empty": "HOST/a/b:", "tag-dash": "HOST/a/b:-x", "tag-slash": "HOST/a/b:x/y:z",
    "tag-long": "HOST/a/b:" + "x" * 129, "tag-unicode": "HOST/a/b:ü", "digest-empty": "HOST/a/b@",
    "digest-short": "HOST/a/b@sha256:abc", "digest-upper": "HOST/a/b@sha256:" + "A" * 64,
    "digest-md5": "HOST/a/b@md5:" + "a" * 32, "digest-none": "HOST/a/b@sha256:",
    "digest-hex": "HOST/a/b@sha256:" + "g" * 64, "long": f"HOST/{LONG}:1",
    "control": "HOST/a\x01b:1",
    "newline": "HOST/a/b:1\n", "scheme": "https://HOST/a/b:1", "user": "user:pw@HOST/a/b:1",
    "port": "127.0.0.1:99999/a/b:1", "port-word": "127.0.0.1:http/a/b:1", "query": "HOST/a/b:1?x=y",
    "fragment": "HOST/a/b:1#x", "percent": "HOST/a%2fb:1", "backslash": "HOST/a\\b:1",
}

USAGE = {
    "no-arguments": [], "unknown-command": ["pusch"], "push-nothing": ["push"],
    "unknown-option": ["push", "oci:x", "HOST/a/b:1", "--no-such-option"],
    "unknown-transport": ["push", "ftp:x", "HOST/a/b:1"],
    "bad-duration": ["push", "oci:x", "HOST/a/b:1", "--timeout", "soon"],
    "negative-duration": ["push", "oci:x", "HOST/a/b:1", "--timeout", "-5s"],
    "huge-duration": ["push", "oci:x", "HOST/a/b:1", "--timeout", "9" * 30 + "h"],
    "missing-value": ["push", "oci:x", "HOST/a/b:1", "--timeout"],
    "bad-number": ["push", "oci:x", "HOST/a/b:1", "--jobs", "many"],
    "zero-jobs": ["push", "oci:x", "HOST/a/b:1", "--jobs", "0"],
    "bad-output": ["push", "oci:x", "HOST/a/b:1", "-o", "yaml"],
    "bad-progress": ["push", "oci:x", "HOST/a/b:1", "--progress", "dancing"],
    "bad-depth": ["push", "oci:x", "HOST/a/b:1", "--depth", "deep"],
    "bad-platform": ["push", "oci:x", "HOST/a/b:1", "--platform", "///"],
    "bad-cred": ["push", "oci:x", "HOST/a/b:1", "--cred", "password:hunter2"],
    "bad-tag": ["push", "oci:x", "HOST/a/b:1", "--additional-tag", "a/b"],
    "bad-mount": ["push", "oci:x", "HOST/a/b:1", "--mount-from", "A B"],
    "verify-nothing": ["verify"],
    "bad-expect": ["verify", "HOST/a/b:1", "--expect", "sha256:xyz"],
    "expect-two-digests": ["verify", "HOST/a/b@sha256:" + "1" * 64,
                           "--expect", "sha256:" + "2" * 64],
}


def at(front, text):
    return text.replace("HOST", front.address)


def assert_one_line(done, *subjects):
    """The error is one line, further lines are advice; it names its subject; no dump, no crash."""
    told = done.err[done.err.find("landed: "):]         # behind the progress, where there was some
    lines = [line for line in told.splitlines() if line.strip()]
    assert lines and len(lines) <= 4, str(done)
    assert done.out == "" and "Sanitizer" not in done.err, str(done)
    assert any(subject in done.err for subject in subjects), f"none of {subjects} in\n{done}"
    assert "\x01" not in done.err and len(done.err) < 3000, str(done)
    assert SECRET not in done.err


@pytest.mark.parametrize("id", REFERENCES)
def test_reference(id, landed, front, image):
    reference = at(front, REFERENCES[id])
    done = landed.push(image.source(), reference)
    assert done.code == 2, str(done)
    assert_one_line(done, "reference", "tag", "digest", "repository", "host", "port", "name")
    assert front.record.count("POST") == front.record.count("PUT") == 0


@pytest.mark.parametrize("id", REFERENCES)
def test_reference_to_verify(id, landed, front):
    done = landed.verify(at(front, REFERENCES[id]))
    assert done.code == 2, str(done)


@pytest.mark.parametrize("id", USAGE)
def test_usage(id, landed, front):
    done = landed(*(at(front, arg) for arg in USAGE[id]))
    assert done.code == 2, str(done)
    assert done.out == "" and done.err.strip(), str(done)
    assert len(done.err.splitlines()) <= 30, "no dump of the whole help\n" + str(done)
    assert "hunter2" not in done.err
    assert front.record.entries == []


@pytest.mark.parametrize("id", broken.SOURCES)
def test_source(id, landed, front, registry, repo, tmp_path):
    """A source that is wrong fails before the manifest is sent, and names what is wrong with it."""
    make, codes = broken.SOURCES[id]
    source = make(tmp_path)
    done = landed.push(source, f"{front.address}/{repo}:1")
    assert done.code in (codes if isinstance(codes, tuple) else (codes,)), str(done)
    assert_one_line(done, str(tmp_path), "sha256:", "manifest", "config", "layer", "index")
    assert registry.storage.tag(repo, "1") is None
    assert front.record.count("PUT", "/manifests/1") == 0
    assert done.seconds < 10


def test_a_link_outside_is_never_sent(landed, front, registry, repo, tmp_path):
    """Whatever the code: the bytes of a file that nobody named do not leave the machine."""
    landed.push(broken.symlinked_blob(tmp_path), f"{front.address}/{repo}:1")
    secret = images.digest_of(b"somebody's secret")
    assert not registry.storage.blob_path(secret).exists()


def test_stdin_that_ends_early(landed, front, registry, repo, tmp_path):
    """docker save failed, the pipe is short: the push must not call that an image."""
    source = broken.truncated(broken.archives.classic, "docker-archive", 0.6)(tmp_path)
    with open(source.partition(":")[2], "rb") as pipe:
        done = landed.push("docker-archive:-", f"{front.address}/{repo}:1", stdin=pipe)
    assert done.code == 41, str(done)
    assert registry.storage.tag(repo, "1") is None


def test_empty_stdin(landed, front, repo):
    done = landed.push("docker-archive:-", f"{front.address}/{repo}:1")
    assert done.code == 41, str(done)


def test_source_that_may_not_be_read(landed, front, repo, image):
    """A directory where a file should be; and a file where a directory should be."""
    folder = landed.push(f"docker-archive:{image.path}", f"{front.address}/{repo}:1")
    file = landed.push(f"oci:{image.path}/index.json", f"{front.address}/{repo}:1")
    assert folder.code in (40, 41, 42) and file.code in (40, 41, 42), f"{folder}\n{file}"


def test_help_and_version(landed):
    for option in ("--help", "--version"):
        done = landed(option)
        assert done.code == 0 and done.out and not done.err, str(done)
