"""A registry that is away for a while and comes back within --timeout: the push lands, without an option."""
import time

import pytest

from conftest import assert_landed

AWAY_S = 11  # longer than a handful of quick retries last

BEGINS = {"blobs": "patch", "commit": "commit", "manifest": "put-tag", "proof": "get-tag"}
KINDS = {"503": {"do": "answer", "status": 503, "body": "<html>upgrading</html>"},
         "429": {"do": "answer", "status": 429, "headers": {"Retry-After": "2"}},
         "reset": {"do": "reset"}}


class Outage:
    """From the first request of one kind on, everything fails for a while."""

    def __init__(self, begins):
        self.begins, self.until = begins, None

    def is_on(self, exchange):
        if self.until is None and self.begins(exchange):
            self.until = time.monotonic() + AWAY_S
        return self.until is not None and time.monotonic() < self.until


def first(place):
    """get-tag is also asked for before the push: there the second one begins it."""
    seen = []

    def begins(exchange):
        method, word = {"patch": ("PATCH", "/uploads"), "commit": ("PUT", "digest="),
                        "put-tag": ("PUT", "/manifests/1"), "get-tag": ("GET", "/manifests/1")}[place]
        if exchange.method == method and word in exchange.target:
            seen.append(exchange)
        return len(seen) == (2 if place == "get-tag" else 1)
    return begins


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", BEGINS)
def test_away_for_a_while(phase, kind, landed, front, registry, repo, image):
    outage = Outage(first(BEGINS[phase]))
    front.plan.add(path=".", authorised="any", times=0, when=outage.is_on, action=KINDS[kind], id="away")
    done = landed.push(image.source(), f"{front.address}/{repo}:1")
    assert outage.until is not None, "it never began\n" + str(done)
    assert_landed(done, registry, repo, "1", image.digest)
    assert done.seconds > AWAY_S / 2, "the outage was not met"
