"""An expired token is never the reason for a failure: every position, every shape, every source."""
import base64
import threading

import pytest

import images
from conftest import SECRET, USER, assert_landed, assert_told_once
from faults import POSITIONS

SHAPES = ("challenge", "invalid_token", "bare", "unauthenticated", "denied", "expired400",
          "expired403")
PLACES = ("head-blob", "post", "patch", "commit", "manifest", "get-tag", "head-tag")
FRESH = "ya29.second-secret"


def ref(front, repo):
    return f"{front.address}/{repo}:1"


def assert_calm(front, limit):
    """Renewal costs a request or two, never a storm."""
    assert len(front.record.entries) <= limit, front.record.lines()


# -- tokens shorter than the push


@pytest.mark.parametrize("capability", ["open", "required", "dead-refused"])
@pytest.mark.parametrize("life, seconds", [(0.5, 5), (1, 6), (2, 6), (5, 8)])
def test_push_of_many_lives(life, seconds, capability, landed, make_front, registry, repo,
                            tmp_path):
    """Eight layers on a slow link.  Half a second of life is claimed to be a whole one."""
    made = images.single(tmp_path / "layout", size=3_000_000, layers=8)
    front = make_front(life=life, capability=capability, rate=3_000_000 // seconds)
    done = landed.push(made.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", made.digest)
    assert len({e["token"] for e in front.record.where() if e["token"]}) > seconds / life / 4
    assert_calm(front, 200)


def test_ten_lives(landed, make_front, registry, repo, tmp_path):
    made = images.single(tmp_path / "layout", size=2_000_000, layers=5)
    front = make_front(life=1, rate=200_000)
    done = landed.push(made.source(), ref(front, repo), "--jobs", "1")
    assert_landed(done, registry, repo, "1", made.digest)
    assert len(front.gate.issued) >= 5
    assert_calm(front, 150)


@pytest.mark.parametrize("claim", [None, 0, -1, 1e30, "1", "an hour", 3600], ids=repr)
def test_lives_that_are_told_wrong(claim, landed, make_front, registry, repo, tmp_path):
    """A second is what the tokens live, whatever is claimed."""
    made = images.single(tmp_path / "layout", size=1_500_000, layers=5)
    front = make_front(life=1, claim=claim, rate=400_000, capability="required")
    done = landed.push(made.source(), ref(front, repo), "--jobs", "2")
    assert_landed(done, registry, repo, "1", made.digest)
    assert len(front.gate.issued) >= 3
    assert_calm(front, 150)


def test_one_body_outlives_its_token(landed, make_front, registry, repo, tmp_path):
    made = images.single(tmp_path / "layout", size=900_000, layers=1)
    front = make_front("pass", life=1, rate=250_000)
    done = landed.push(made.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", made.digest)
    # judged at its arrival, so once was enough: the layer and the config
    assert front.record.count("PATCH") == 2


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("uses", [1, 2, 3])
def test_tokens_of_few_requests(uses, jobs, landed, make_front, registry, repo, image):
    front = make_front(uses=uses, capability="required")
    done = landed.push(image.source(), ref(front, repo), "--jobs", jobs)
    assert_landed(done, registry, repo, "1", image.digest)
    assert_calm(front, 250)


# -- killed at one position, in one shape


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", PLACES)
def test_killed_at(place, shape, landed, make_front, registry, repo, image):
    front = make_front(refusal=shape)
    rule = front.plan.add(at=place, action={"do": "refuse", "shape": shape, "kill": "tokens"})
    done = landed.push(image.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", image.digest)
    assert rule.fired or place == "head-tag", front.record.lines()
    assert_calm(front, 80)


@pytest.mark.parametrize("shape", SHAPES)
def test_killed_at_verify(shape, landed, make_front, repo, image):
    front = make_front(refusal=shape)
    assert landed.push(image.source(), ref(front, repo)).code == 0
    front.plan.add(at="get-tag", action={"do": "refuse", "shape": shape, "kill": "tokens"})
    front.plan.add(at="head-blob", action={"do": "refuse", "shape": shape, "kill": "tokens"})
    assert landed.verify(ref(front, repo), "--expect", image.digest).code == 0


def test_killed_everywhere_in_one_push(landed, make_front, registry, repo, image):
    front = make_front()
    for place in PLACES:
        front.plan.add(at=place, action={"do": "refuse", "shape": "unauthenticated",
                                         "kill": "tokens"})
    done = landed.push(image.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", image.digest)
    assert_calm(front, 100)


def test_killed_at_every_manifest_of_an_index(landed, make_front, registry, repo, tmp_path):
    made = images.multi(tmp_path / "layout", attestations=True)
    front = make_front()
    for nth in range(1, 12, 2):
        front.plan.add(at="manifest", nth=nth, id=f"kill-{nth}",
                       action={"do": "refuse", "shape": "challenge", "kill": "tokens"})
    done = landed.push(made.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", made.digest)


@pytest.mark.parametrize("close", [None, "linger", "abrupt"])
@pytest.mark.parametrize("after", [0, 1, 300_000])
def test_refused_inside_a_body(after, close, landed, make_front, registry, repo, tmp_path):
    """The answer is there while we still send; with an abrupt end we may never read it."""
    made = images.single(tmp_path / "layout", size=3 << 20, layers=1)
    front = make_front("pass")
    front.plan.add(at="patch", action={"do": "refuse", "shape": "unauthenticated", "after": after,
                                       "kill": "tokens", "close": close})
    done = landed.push(made.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", made.digest)
    assert_calm(front, 60)


def test_a_refusal_comes_before_the_body_is_sent(landed, make_front, registry, repo, tmp_path):
    """Expect: 100-continue: a dead token costs a round trip, not a layer."""
    made = images.single(tmp_path / "layout", size=8 << 20, layers=1)
    front = make_front("pass")
    front.plan.add(at="patch", action={"do": "refuse", "shape": "challenge", "kill": "tokens"})
    done = landed.push(made.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", made.digest)
    assert front.record.where("PATCH")[0]["body_bytes"] == 0


# -- the credential behind the token dies too


def rotation(landed, gate, delay=0.0):
    """What a token broker does: the old secret is dead, the new one appears (DELAY s later)."""
    def write():
        gate.allow(USER, FRESH)
        landed.credential(FRESH)

    def rotate(exchange):
        gate.kill_credentials()
        gate.kill_tokens()
        if delay:
            threading.Timer(delay, write).start()
        else:
            write()
        exchange.proceed()
    return rotate


@pytest.mark.parametrize("delay", [0, 2])
@pytest.mark.parametrize("place", ["post", "commit", "manifest"])
@pytest.mark.parametrize("mode", ["bearer", "basic"])
def test_rotated_file(mode, place, delay, landed, make_front, registry, repo, image):
    front = make_front(mode=mode, refusal="unauthenticated" if mode == "bearer" else "basic")
    front.plan.add(at=place, action={"do": rotation(landed, front.gate, delay)}, id="rotate")
    done = landed.push(image.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", image.digest)
    assert done.seconds < 15
    assert_calm(front, 120)


def test_rotated_exec(landed, make_front, registry, repo, image):
    front = make_front()
    landed.credential()
    helper = landed.write_helper("fresh", '#!/bin/sh\necho x >> "$HOME/calls"\n'
                                          'cat "$HOME/credential"\n')
    front.plan.add(at="commit", action={"do": rotation(landed, front.gate)}, id="rotate")
    done = landed("push", image.source(), ref(front, repo), "--cred", f"exec:{helper}",
                  "--cred-user", USER)
    assert_landed(done, registry, repo, "1", image.digest)
    calls = (landed.home / "calls").read_text().count("x")
    assert 2 <= calls <= 15


def test_rotated_docker_helper(landed, make_front, registry, repo, image):
    """A credential helper is asked again; docker's own push asks it once."""
    front = make_front()
    landed.credential()
    landed.write_docker_config({"credHelpers": {front.address: "mine"}})
    landed.write_helper("docker-credential-mine", '#!/bin/sh\nread server\nprintf \'{"ServerURL":'
                        '"%s","Username":"' + USER + '","Secret":"%s"}\' "$server" '
                        '"$(cat "$HOME/credential")"\n')
    front.plan.add(at="commit", action={"do": rotation(landed, front.gate)}, id="rotate")
    done = landed("push", image.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", image.digest)


def test_rotated_docker_config(landed, make_front, registry, repo, image):
    """`docker login` by somebody else while we push: the file is read again."""
    def write(secret):
        pair = base64.b64encode(f"{USER}:{secret}".encode()).decode()
        landed.write_docker_config({"auths": {front.address: {"auth": pair}}})

    def rotate(exchange):
        front.gate.kill_credentials()
        front.gate.kill_tokens()
        front.gate.allow(USER, FRESH)
        write(FRESH)
        exchange.proceed()

    front = make_front()
    write(SECRET)
    front.plan.add(at="commit", action={"do": rotate}, id="rotate")
    assert_landed(landed("push", image.source(), ref(front, repo)), registry, repo, "1",
                  image.digest)


# -- sources that go on giving what is dead


@pytest.mark.parametrize("shape", ["challenge", "unauthenticated", "expired400"])
def test_token_endpoint_repeats_a_dead_token(shape, landed, make_front, registry, repo, image):
    """A cache in front of the endpoint: for two seconds it knows nothing newer."""
    front = make_front(refusal=shape)
    front.plan.add(at="manifest", action={"do": "refuse", "shape": shape, "kill": "tokens",
                                          "stick": 2})
    done = landed.push(image.source(), ref(front, repo))
    assert_landed(done, registry, repo, "1", image.digest)
    assert 2 <= done.seconds < 15
    assert_calm(front, 100)


def test_waiting_for_a_new_token_is_bounded(landed, make_front, repo, image):
    front = make_front()
    front.plan.add(at="manifest", action={"do": "refuse", "shape": "challenge", "kill": "tokens",
                                          "stick": 60})
    done = landed.push(image.source(), ref(front, repo), "--renew-wait", "2s")
    assert done.code == 20, str(done)
    assert 1.5 <= done.seconds < 10
    assert_told_once(done)
    assert_calm(front, 100)


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_token_endpoint_stumbles(status, landed, make_front, registry, repo, image):
    """Also a random 404, which Google's endpoint is known for."""
    front = make_front()
    front.plan.add(at="token", action={"do": "answer", "status": status, "body": "oops"})
    assert_landed(landed.push(image.source(), ref(front, repo)), registry, repo, "1", image.digest)


# -- and what is really refused ends soon, with the right code


@pytest.mark.parametrize("place", ["post", "commit", "manifest"])
@pytest.mark.parametrize("shape, code", [("challenge", 20), ("invalid_token", 20), ("bare", 20),
                                         ("unauthenticated", 20), ("denied", 21)])
def test_refused_for_ever(place, shape, code, landed, make_front, repo, image):
    front = make_front()
    front.plan.add(at=place, times=0, action={"do": "refuse", "shape": shape})
    done = landed.push(image.source(), ref(front, repo), "--renew-wait", "2s")
    assert done.code == code, str(done)
    assert done.seconds < 10
    assert_told_once(done)
    assert_calm(front, 80)


def test_positions_are_known():
    assert set(PLACES) <= set(POSITIONS)
