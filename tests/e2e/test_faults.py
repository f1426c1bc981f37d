"""The table of cases.py, run: the owed code, in time, and never 0 unless the registry is whole."""
import re

import pytest

import images
from cases import CASES
from conftest import IMAGE_SIZE, assert_told_once, skopeo


def prepare(before, registry, repo, image, tmp_path):
    """Put something under the tag before the push, past the front."""
    if not before:
        return
    source = image if before == "same" else images.single(tmp_path / "old", size=30_000, seed=900)
    done = skopeo("copy", "-q", "--dest-tls-verify=false", source.source("latest"),
                  f"docker://{registry.address}/{repo}:1")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("id", CASES)
def test_case(id, landed, make_front, registry, repo, image, tmp_path):
    case = CASES[id]
    if case.size != IMAGE_SIZE:
        image = images.single(tmp_path / "sized", size=case.size)
    prepare(case.before, registry, repo, image, tmp_path)
    front = make_front(rules=case.rules, **case.settings)
    front.sizes = image.sizes()
    done = landed.push(image.source(), f"{front.address}/{repo}:1", *case.options)

    story = f"{id}\n{done}\n-- requests\n{front.record.lines()[-6000:]}"
    is_whole = registry.storage.tag(repo, "1") == image.digest and registry.whole(repo, "1")
    assert done.code != 0 or is_whole, "0, and it is not there: " + story
    codes = case.codes if isinstance(case.codes, set) else {case.codes}
    assert done.code in codes, f"owed {sorted(codes)}: {story}"
    assert all(r.fired for r in front.plan.rules), "the fault did not happen: " + story
    for words in case.says:
        assert re.search(words.replace("OURS", image.digest), done.err), f"not '{words}': {story}"
    assert done.seconds < case.most_s, "too slow: " + story
    assert len(front.record.entries) < 400, "a storm of requests: " + story
    assert "\x1b" not in done.err, "what a registry says must not drive the terminal: " + story
    if done.code:
        assert_told_once(done)
        assert done.digest == "" or done.code == 3, "a result without a landing: " + story


def test_rules_all_match(make_front):
    """Every rule of the table is one that the front understands."""
    for case in CASES.values():
        make_front(rules=case.rules, **case.settings).__exit__()
