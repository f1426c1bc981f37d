"""The fault plan: ordered rules, each saying which request fails and how.

A rule is a dict, in a test or in a JSON file (a list, or {"rules": [...]}):

    id          a stable name, shown in the record
    at          a position by name, see POSITIONS; or
    method      a regular expression for the whole method, and
    path        a regular expression, searched in path and query
    nth         fires at the nth match (default 1) ...
    times       ... and so many times (default 1; 0 = for ever) ...
    every       ... at every so many matches only, counted from the nth (default 1)
    request     instead: fires at the i-th request overall, whatever it is
    authorised  true (default): only requests that would be let in count; false: only the others;
                "any": all.  With `request`, and at the token endpoint, all count.
    origin      "front" (default) or "other": which of the two addresses; the token endpoint
                counts at both
    when        in a test only: a callable(exchange) -> bool
    action      a dict, see actions.py

The first rule that fires is the only one for that request, and rules behind it do not see it.
"""
import json
import re
import threading

POSITIONS = {
    "ping": ("GET", r"^/v2/$"),
    "token": ("GET|POST", r"^/v2/token"),
    "head-blob": ("HEAD", r"/blobs/sha\d+:"),
    "get-blob": ("GET", r"/blobs/sha\d+:"),
    "post": ("POST", r"/blobs/uploads/(\?.*)?$"),
    "mount": ("POST", r"/blobs/uploads/\?.*mount="),
    "patch": ("PATCH", r"/uploads?/"),
    "commit": ("PUT", r"/uploads?/.*digest="),
    "manifest": ("PUT", r"/manifests/"),
    "head-manifest": ("HEAD", r"/manifests/"),
    "get-manifest": ("GET", r"/manifests/"),
    "head-tag": ("HEAD", r"/manifests/(?!sha\d+:)"),
    "get-tag": ("GET", r"/manifests/(?!sha\d+:)"),
    "put-tag": ("PUT", r"/manifests/(?!sha\d+:)"),
    "cancel": ("DELETE", r"/uploads?/"),
}
KEYS = {"id", "at", "method", "path", "nth", "times", "every", "request", "authorised", "origin",
        "when", "action"}


class Rule:
    def __init__(self, spec, positions):
        unknown = set(spec) - KEYS
        if unknown:
            raise ValueError(f"unknown key in a rule: {sorted(unknown)}")
        method, path = positions[spec["at"]] if "at" in spec else (None, None)
        self.method = spec.get("method", method)
        self.path = spec.get("path", path)
        self.nth = spec.get("nth", 1)
        self.times = spec.get("times", 1)
        self.every = spec.get("every", 1)
        self.request = spec.get("request")
        self.authorised = spec.get("authorised", True)
        self.origin = spec.get("origin", "front")
        self.when = spec.get("when")
        self.action = spec["action"]
        self.id = spec.get("id") or f"{spec.get('at') or self.path}:{self.action['do']}"
        self.seen = 0
        self.fired = 0

    def fires(self, exchange):
        if self.request is not None:
            hit = exchange.entry["seq"] == self.request
        else:
            hit = self.matches(exchange)
            self.seen += hit
            hit = hit and self.is_due()
        self.fired += hit
        return hit

    def is_due(self):
        late = self.seen - self.nth
        return late >= 0 and late % self.every == 0 and (not self.times or self.fired < self.times)

    def matches(self, exchange):
        if self.method and not re.fullmatch(self.method, exchange.method):
            return False
        if self.path and not re.search(self.path, exchange.target):
            return False
        if exchange.origin != self.origin and not exchange.is_token:
            return False
        if self.authorised != "any" and not exchange.is_token:
            if exchange.verdict.ok != self.authorised:
                return False
        return self.when is None or bool(self.when(exchange))


class Plan:
    def __init__(self, rules=(), positions=None):
        """POSITIONS: what the names of `at` mean, if the server is not a registry."""
        self.lock = threading.Lock()
        self.positions = positions or POSITIONS
        self.rules = [Rule(spec, self.positions) for spec in rules]

    def add(self, **spec):
        rule = Rule(spec, self.positions)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clear(self):
        with self.lock:
            self.rules.clear()

    def pick(self, exchange):
        with self.lock:
            return next((rule for rule in self.rules if rule.fires(exchange)), None)


def load(path):
    with open(path, encoding="utf-8") as file:
        rules = json.load(file)
    return rules["rules"] if isinstance(rules, dict) else rules
