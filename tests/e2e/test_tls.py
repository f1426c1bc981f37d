"""TLS with real servers: HTTP/2 through nginx, certificates by where they lie, proxies."""
import shutil

import pytest

from certs import Authority
from conftest import assert_landed
from nginx import Nginx
from registry import Registry
from tunnel import Tunnel


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca")


def test_http2_for_small_requests_and_http1_for_bodies(landed, authority, registry, repo, image, tmp_path):
    with Nginx(tmp_path / "nginx", registry.url, authority.issue("front")) as front:
        done = landed("push", image.source(), f"{front.address}/{repo}:1", "--cacert", authority.cert)
        seen = front.seen()
    assert_landed(done, registry, repo, "1", image.digest)
    protocols = {method: {p for p, m, _, _ in seen if m == method} for _, method, _, _ in seen}
    assert protocols["PATCH"] == {"HTTP/1.1"}, protocols
    assert protocols["HEAD"] == {"HTTP/2.0"}, protocols
    assert "HTTP/2.0" in protocols["PUT"], protocols


@pytest.mark.parametrize("requests", [1, 2, 3])
def test_connections_that_end_after_few_requests(requests, landed, authority, registry, repo, image, tmp_path):
    """GOAWAY on HTTP/2, close on HTTP/1.1: nothing is lost and nothing is sent twice."""
    with Nginx(tmp_path / "nginx", registry.url, authority.issue("front"), requests=requests) as front:
        done = landed("push", image.source(), f"{front.address}/{repo}:1", "--cacert", authority.cert)
        seen = front.seen()
    assert_landed(done, registry, repo, "1", image.digest)
    assert sum(m == "PATCH" for _, m, _, _ in seen) == len(image.blobs()), seen


def test_locations_that_forget_the_s(landed, authority, registry, repo, image, tmp_path):
    """A registry that does not know it stands behind TLS writes http:// Locations."""
    with Nginx(tmp_path / "nginx", registry.url, authority.issue("front"), proto="http") as front:
        done = landed("push", image.source(), f"{front.address}/{repo}:1", "--cacert", authority.cert)
    assert_landed(done, registry, repo, "1", image.digest)


@pytest.mark.parametrize("place", [".config/docker/certs.d", ".config/containers/certs.d"])
def test_certs_d(place, landed, authority, repo, image, tmp_path):
    """DIR/HOST:PORT/{ca.crt,client.cert,client.key}: trusted and shown without an option."""
    client = authority.issue("client", client=True)
    with Registry(tmp_path / "r", tls=(*authority.issue("server"), authority.cert)) as real:
        folder = landed.home / place / real.address
        command = ("push", image.source(), f"{real.address}/{repo}:1")
        assert landed(*command, "--retries", "1").code == 30
        folder.mkdir(parents=True)
        for source, name in ((authority.cert, "ca.crt"), (client[0], "client.cert"), (client[1], "client.key")):
            shutil.copy(source, folder / name)
        assert_landed(landed(*command), real, repo, "1", image.digest)


def test_proxy(landed, authority, repo, image, tmp_path):
    """A name that only the proxy can reach; over https with CONNECT."""
    name = "registry.test"
    pair = authority.issue("server", hosts=(f"DNS:{name}",))
    with Registry(tmp_path / "r", tls=pair) as real, Tunnel(real.address) as proxy:
        port = real.address.partition(":")[2]
        done = landed("push", image.source(), f"{name}:{port}/{repo}:1", "--cacert", authority.cert,
                      env={"HTTPS_PROXY": proxy.url})
        assert done.code == 0, str(done)
        assert real.problems(repo, "1") == []
    assert set(proxy.asked) == {("CONNECT", f"{name}:{port}")}


def test_proxy_over_plain_http(landed, repo, image, registry):
    """HTTP_PROXY in capitals counts, as it does for docker."""
    name = "registry.test"
    port = registry.address.partition(":")[2]
    with Tunnel(registry.address) as proxy:
        done = landed("push", image.source(), f"{name}:{port}/{repo}:1", "--plain-http",
                      env={"HTTP_PROXY": proxy.url})
    assert done.code == 0, str(done)
    assert registry.problems(repo, "1") == [] and proxy.asked


def test_no_proxy_for_loopback(landed, repo, image, registry):
    with Tunnel(registry.address) as proxy:
        done = landed("push", image.source(), f"{registry.address}/{repo}:1",
                      env={"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, "http_proxy": proxy.url})
    assert_landed(done, registry, repo, "1", image.digest)
    assert proxy.asked == []
