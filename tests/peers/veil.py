"""Late visibility: a manifest that was stored, and that readers do not see yet.

GHCR and Docker Hub show a manifest some seconds after they said 201.  Until then a reader gets 404,
or what was under the tag before.
"""
import re
import threading
import time

from answer import Answer


class Veil:
    def __init__(self):
        self.lock = threading.Lock()
        self.covered = {}        # (repo, reference) -> (until, the old Answer or None)

    @staticmethod
    def place(exchange):
        found = re.search(r"/manifests/([^?]+)", exchange.target)
        return (exchange.repo, found.group(1)) if found else None

    def wish(self, exchange, seconds, old):
        exchange.veil_wish = (seconds, old)

    def prepare(self, exchange):
        """Before the PUT: what readers shall go on seeing."""
        wish = getattr(exchange, "veil_wish", None)
        if not wish or exchange.method != "PUT":
            return None
        return exchange.front.ask_upstream("GET", exchange.target) if wish[1] else None

    def store(self, exchange, answer, before):
        wish = getattr(exchange, "veil_wish", None)
        if not wish or exchange.method != "PUT" or answer.status >= 300:
            return
        until = time.monotonic() + wish[0]
        repo, reference = self.place(exchange)
        with self.lock:
            self.covered[repo, reference] = (until, before)
            digest = answer.get("Docker-Content-Digest")
            if digest:
                self.covered[repo, digest] = (until, None)

    def cover(self, exchange):
        """The answer to a read of a manifest that is still veiled, or None."""
        if exchange.method not in ("GET", "HEAD") or not self.covered:
            return None
        with self.lock:
            until, old = self.covered.get(self.place(exchange), (0, None))
        if time.monotonic() >= until:
            return None
        if old is None or old.status != 200:
            return Answer.error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return Answer(old.status, list(old.headers), old.body)
