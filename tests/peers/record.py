"""What a peer was asked: the log that tests assert, and the limit on how fast it listens."""
import hashlib
import json
import re
import threading
import time


def fingerprint(secret):
    """Names a secret without telling it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


class Record:
    """Every request as a dict, in the order of arrival; also as JSON lines in a file if wanted."""

    def __init__(self, path=None):
        self.entries = []
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="utf-8") if path else None

    def open(self, **facts):
        with self.lock:
            entry = {"seq": len(self.entries) + 1, "start": time.monotonic(), "end": None,
                     "status": None, "body_bytes": 0, "rule": None, **facts}
            self.entries.append(entry)
            return entry

    def close(self, entry):
        entry["end"] = time.monotonic()
        with self.lock:
            if self.file:
                self.file.write(json.dumps(entry) + "\n")
                self.file.flush()

    def where(self, method=None, path=None, **facts):
        """The requests with this METHOD, PATH (a regular expression) and FACTS."""
        with self.lock:
            entries = list(self.entries)
        return [e for e in entries
                if (method is None or e["method"] == method)
                and (path is None or re.search(path, e["path"]))
                and all(e.get(k) == v for k, v in facts.items())]

    def count(self, method=None, path=None, **facts):
        return len(self.where(method, path, **facts))

    def clear(self):
        with self.lock:
            self.entries.clear()

    def lines(self):
        """For a failing test's output."""
        return "\n".join(f"{e['seq']:4} {e['method']:5} {e['path'][:90]} -> {e['status']}"
                         f" body={e['body_bytes']} token={e.get('token')} rule={e['rule']}"
                         for e in self.where())


class Bucket:
    """A rate in bytes per second, shared by all connections."""

    def __init__(self, rate):
        self.rate = rate
        self.lock = threading.Lock()
        self.free_at = time.monotonic()

    def take(self, size, wait=time.sleep):
        """Blocks until SIZE more bytes may have passed."""
        if not self.rate:
            return
        with self.lock:
            now = time.monotonic()
            self.free_at = max(self.free_at, now) + size / self.rate
            pause = self.free_at - now
        if pause > 0:
            wait(pause)

    def piece(self):
        """Small pieces keep a slow link smooth; a free one wants big ones."""
        return max(4096, min(256 << 10, self.rate // 20)) if self.rate else 1 << 20
