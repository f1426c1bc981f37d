"""The network between us and the registry: refused, cut, silent, and back again."""
import threading

import pytest

from certs import Authority
from conftest import assert_landed, assert_told_once
from nginx import Nginx
from registry import Registry
from relay import Relay
from tunnel import Tunnel

AWAY_S = 4      # longer than the first few waits
PLACES = ("head-blob", "post", "patch", "commit", "manifest", "get-tag")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca")


@pytest.fixture
def relay(front):
    """The only way to the front, and to its token endpoint."""
    with Relay(front.address) as relay:
        front.gate.realm = f"{relay.url}/v2/token"
        yield relay


@pytest.mark.parametrize("place", PLACES)
def test_refused_for_a_while(place, landed, front, relay, registry, repo, image):
    """The registry's port is closed from one request on, as when its only process restarts."""
    shut = front.plan.add(at=place, id="shut", action={"do": relay.shut_for(AWAY_S)})
    done = landed.push(image.source(), f"{relay.address}/{repo}:1")
    assert_landed(done, registry, repo, "1", image.digest)
    assert shut.fired


@pytest.mark.parametrize("place", PLACES)
def test_half_open_connection(place, landed, front, relay, registry, repo, image):
    """What is connected hears nothing any more and is not told so; new connections are good."""
    def freeze(exchange):
        relay.freeze()
        exchange.proceed()

    rule = front.plan.add(at=place, id="freeze", action={"do": freeze})
    done = landed.push(image.source(), f"{relay.address}/{repo}:1", "--stall-timeout", "1s")
    assert_landed(done, registry, repo, "1", image.digest)
    assert rule.fired


def test_new_connections_are_silent_for_a_while(landed, front, relay, registry, repo, image):
    def freeze(exchange):
        relay.freeze(new=True)
        threading.Timer(AWAY_S, relay.thaw).start()
        exchange.proceed()

    front.plan.add(at="post", id="freeze", action={"do": freeze})
    done = landed.push(image.source(), f"{relay.address}/{repo}:1", "--stall-timeout", "1s")
    assert_landed(done, registry, repo, "1", image.digest)


@pytest.mark.parametrize("how", ["refused", "silent", "reset"])
def test_token_endpoint_away(how, landed, front, relay, registry, repo, image):
    """On another port than the registry, where nobody answers for a while."""
    if how == "refused":
        relay.shut()
        threading.Timer(AWAY_S, relay.open).start()
    elif how == "silent":
        relay.freeze(new=True)
        threading.Timer(AWAY_S, relay.thaw).start()
    else:
        relay.resets = 3
    done = landed.push(image.source(), f"{front.address}/{repo}:1")
    assert_landed(done, registry, repo, "1", image.digest)
    assert front.record.count(path="^/v2/token", status=200) >= 1


def test_token_endpoint_that_stays_away(landed, front, relay, repo, image):
    relay.shut()
    done = landed.push(image.source(), f"{front.address}/{repo}:1", "--timeout", "4s")
    assert done.code in (30, 31), str(done)
    assert_told_once(done)


# -- names and certificates


def test_a_name_that_nobody_knows(landed, image):
    done = landed.push(image.source(), "registry.invalid/a/b:1", "--retries", "1")
    assert done.code == 30 and "registry.invalid" in done.err, str(done)
    assert_told_once(done)


def test_tls_that_fails_at_first(landed, authority, make_front, registry, repo, image):
    """Connections are reset at their first bytes, as by a balancer whose targets are starting."""
    front = make_front(tls=authority.issue("front"))
    with Relay(front.address, resets=3) as relay:
        front.gate.realm = f"https://{relay.address}/v2/token"
        done = landed.push(image.source(), f"{relay.address}/{repo}:1", "--cacert", authority.cert)
        assert relay.resets < 0
    assert_landed(done, registry, repo, "1", image.digest)


def test_certificate_that_has_expired(landed, authority, image, tmp_path):
    """No other attempt makes it younger."""
    with Registry(tmp_path / "r", tls=authority.issue("old", days=-1)) as real:
        done = landed("push", image.source(), f"{real.address}/a/b:1", "--cred", "anon", "--cacert",
                      authority.cert)
    assert done.code == 30 and "expired" in done.err, str(done)
    assert done.seconds < 25
    assert_told_once(done)


# -- in between


def test_proxy_that_stumbles(landed, authority, repo, image, tmp_path):
    """It answers 503 to CONNECT, as one does whose name server is away."""
    name = "registry.test"
    pair = authority.issue("server", hosts=(f"DNS:{name}",))
    with Registry(tmp_path / "r", tls=pair) as real, Tunnel(real.address, stumbles=3) as proxy:
        port = real.address.partition(":")[2]
        done = landed("push", image.source(), f"{name}:{port}/{repo}:1", "--cacert", authority.cert,
                      env={"HTTPS_PROXY": proxy.url})
        assert done.code == 0, str(done)
        assert real.problems(repo, "1") == [] and proxy.stumbles == 0


@pytest.mark.parametrize("place", ["get-tag", "token", "post"])
def test_stream_that_is_reset(place, landed, authority, make_front, registry, repo, image,
                              tmp_path):
    """nginx ends an HTTP/2 stream with RST_STREAM when the server behind it breaks off."""
    front = make_front("relative")
    cut = front.plan.add(at=place, action={"do": "cut", "bytes": 0 if place == "post" else 9})
    with Nginx(tmp_path / "nginx", front.url, authority.issue("nginx")) as nginx:
        front.gate.realm = f"https://{nginx.address}/v2/token"
        done = landed.push(image.source(), f"{nginx.address}/{repo}:1", "--cacert", authority.cert)
        seen = nginx.seen()
    assert_landed(done, registry, repo, "1", image.digest)
    assert cut.fired and {p for p, m, _, _ in seen if m == "POST"} == {"HTTP/2.0"}


@pytest.mark.parametrize("place", ["post", "manifest"])
def test_http2_server_that_restarts(place, landed, authority, make_front, registry, repo, image,
                                    tmp_path):
    front = make_front("relative")
    nginx = Nginx(tmp_path / "nginx", front.url, authority.issue("nginx"))
    restarted = threading.Event()

    def restart(exchange):
        nginx.__exit__()
        threading.Timer(AWAY_S, lambda: (nginx.__enter__(), restarted.set())).start()
        exchange.proceed()

    front.plan.add(at=place, id="restart", action={"do": restart})
    front.gate.realm = f"https://{nginx.address}/v2/token"
    with nginx:
        done = landed.push(image.source(), f"{nginx.address}/{repo}:1", "--cacert", authority.cert)
        assert restarted.wait(20), str(done)
    assert_landed(done, registry, repo, "1", image.digest)
