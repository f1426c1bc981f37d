"""The metadata server of a VM or a GKE pod.

It keeps one token for each set of scopes and repeats it until it is near its end; GKE's goes on
repeating it while it fetches the next one in the background.
"""
import threading
import time
from urllib.parse import parse_qs, urlsplit

from answer import Answer

from .answers import text
from .names import ACCOUNT, CLOUD_PLATFORM, EMAIL, PROJECT, PROJECT_NUMBER, ZONE

ROOT = "/computeMetadata/v1"
ACCOUNTS = "/instance/service-accounts/"
FLAVOR = "Metadata-Flavor"


class Metadata:
    """repeat_until: a token with more than so many seconds left is repeated.  background_s: and so
    long after that was first not so, because the next one is still being fetched.
    first_left: what the first token still has (it was asked for by somebody else before us).
    ignore_scopes: whatever is asked, tokens have the VM's own.  flavor: the response header; None
    as of something else that answers there.  universe: None as of old servers (404)."""

    def __init__(self, google):
        self.google = google
        self.scopes = {CLOUD_PLATFORM, EMAIL}
        self.repeat_until, self.background_s, self.first_left = 300, 0, None
        self.ignore_scopes = False
        self.account = ACCOUNT                       # None: the VM has none
        self.flavor = "Google"
        self.universe = "googleapis.com"
        self.kept = {}
        self.stale_since = {}
        self.absent_until, self.absence = 0.0, "reset"
        self.lock = threading.Lock()

    def away_for(self, seconds, how="reset"):
        """From now on nothing answers (HOW="reset": the connection breaks; or a status)."""
        self.absent_until, self.absence = time.monotonic() + seconds, how

    def is_away(self):
        return time.monotonic() < self.absent_until

    def answer(self, call):
        answer = self.judge(call)
        if self.flavor is not None:
            answer.set(FLAVOR, self.flavor)
        answer.set("Server", "Metadata Server for VM")
        return answer

    def judge(self, call):
        if self.is_away():
            return Answer(int(self.absence), body=b"not ready\n")
        if call.path == "/":
            return text("computeMetadata/\n")
        # a request that came through a proxy is refused as well, whatever else it carries
        if call.head.get(FLAVOR) != "Google" or call.head.get("X-Forwarded-For"):
            return Answer(403, [("Content-Type", "text/html")],
                          b"<p>Your client does not have permission. Missing "
                          b"Metadata-Flavor:Google header.</p>\n")
        path = call.path[len(ROOT):]
        if path.startswith(ACCOUNTS):
            return self.of_account(path[len(ACCOUNTS):], call)
        known = {"/project/project-id": PROJECT, "/project/numeric-project-id": PROJECT_NUMBER,
                 "/instance/zone": f"projects/{PROJECT_NUMBER}/zones/{ZONE}",
                 "/universe/universe-domain": self.universe}
        return text(known[path]) if known.get(path) is not None else missing()

    def of_account(self, path, call):
        query = parse_qs(urlsplit(call.target).query)
        name, _, what = path.partition("/")
        if not path:
            return text(f"default/\n{self.account}/\n" if self.account else "")
        if not self.account or name not in ("default", self.account):
            return missing()
        if what == "token":
            return self.token(query.get("scopes", [""])[0])
        if what == "email":
            return text(self.account)
        if what == "scopes":
            return text("".join(s + "\n" for s in sorted(self.scopes)))
        if what == "identity":
            return text(self.google.id_token(self.account, query.get("audience", [""])[0]))
        if what == "" and query.get("recursive") == ["true"]:
            return Answer.json({"aliases": ["default"], "email": self.account,
                                "scopes": sorted(self.scopes)})
        return missing()

    def token(self, wish):
        wanted = set(wish.split(",")) if wish and not self.ignore_scopes else self.scopes
        granted = frozenset(wanted & self.scopes)
        if not granted:
            return missing()
        token = self.current(granted)
        return Answer.json({"access_token": token.text, **self.google.ledger.expiry(token),
                            "token_type": "Bearer"})

    def current(self, scopes):
        with self.lock:
            kept = self.kept.get(scopes)
            if kept and kept.left() > self.repeat_until:
                return kept
            if kept and kept.alive():
                since = self.stale_since.setdefault(scopes, time.monotonic())
                if time.monotonic() - since < self.background_s:
                    return kept
            self.stale_since.pop(scopes, None)
            most = None if kept else self.first_left
            token = self.google.ledger.issue("metadata", self.account, scopes, most)
            self.kept[scopes] = token
            return token


def missing():
    return Answer(404, [("Content-Type", "text/html")], b"<p>The requested URL was not found</p>\n")
