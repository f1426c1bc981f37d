"""iamcredentials.googleapis.com: a token that lives for one account, bought with another's."""
import re
import time

from answer import Answer

from .answers import api_no
from .names import ACCOUNT, CLOUD_PLATFORM, DELEGATE, IAM, TARGET, is_scope

UNAUTHENTICATED = ("Request had invalid authentication credentials. Expected OAuth 2 access token, "
                   "login cookie or other valid authentication credential.")
VERB = re.compile(r"/v1/projects/([^/]+)/serviceAccounts/([^/:]+):(\w+)")


class Iam:
    """limit: of a lifetime, in seconds (43200 where the organisation allows it).  stamp: how
    expireTime is written, see STAMPS.  delegates: the chain that a caller must name."""

    def __init__(self, google):
        self.google = google
        self.limit = 3600
        self.stamp = "seconds"
        self.delegates = []
        self.refused = set()          # principals without iam.serviceAccounts.getAccessToken
        self.targets = {TARGET, DELEGATE, ACCOUNT}

    def call(self, call):
        project, target, verb = VERB.fullmatch(call.path).groups()
        source = self.caller(call)
        if project != "-":
            api_no(400, "INVALID_ARGUMENT", "Request contains an invalid argument: name")
        if target not in self.targets or source.principal in self.refused:
            api_no(403, "PERMISSION_DENIED", f"Permission 'iam.serviceAccounts.{verb}' denied on "
                   "resource (or it may not exist).")
        wish = call.json()
        chain = [d.rpartition("/")[2] for d in wish.get("delegates") or []]
        if chain != self.delegates:
            api_no(403, "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.implicitDelegation' "
                   "denied on resource (or it may not exist).")
        if verb == "generateIdToken":
            return Answer.json({"token": self.google.id_token(target, wish.get("audience"))})
        if verb != "generateAccessToken":
            api_no(404, "NOT_FOUND", "Method not found.")
        return self.access_token(target, wish)

    def caller(self, call):
        scheme, _, rest = (call.head.get("Authorization") or "").partition(" ")
        token = self.google.ledger.find(rest) if scheme == "Bearer" else None
        if not token or not token.alive():
            api_no(401, "UNAUTHENTICATED", UNAUTHENTICATED)
        if not token.scopes & {CLOUD_PLATFORM, IAM}:
            api_no(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")
        return token

    def access_token(self, target, wish):
        scopes = wish.get("scope")
        if not isinstance(scopes, list) or not scopes or not all(map(is_scope, scopes)):
            api_no(400, "INVALID_ARGUMENT", "Scope is missing or invalid.")
        lifetime = wish.get("lifetime", "3600s")
        if not isinstance(lifetime, str) or not re.fullmatch(r"[1-9]\d*s", lifetime):
            api_no(400, "INVALID_ARGUMENT", "Invalid value at 'lifetime' (type.googleapis.com/"
                   "google.protobuf.Duration)")
        if int(lifetime[:-1]) > self.limit:
            api_no(400, "INVALID_ARGUMENT",
                   f"The access token lifetime cannot exceed {self.limit} seconds.")
        token = self.google.ledger.issue("impersonated", target, scopes, int(lifetime[:-1]))
        return Answer.json({"accessToken": token.text,
                            "expireTime": STAMPS[self.stamp](self.google.now() + token.left())})


def rfc3339(seconds, offset=0):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds + offset))


def fraction(seconds):
    return f"{seconds % 1:.9f}"[1:]


# RFC 3339 allows all of them; the service itself answers the first.
STAMPS = {
    "seconds": lambda t: rfc3339(t) + "Z",
    "fractions": lambda t: f"{rfc3339(t)}{fraction(t)}Z",
    "offset": lambda t: rfc3339(t, 19800) + "+05:30",
    "both": lambda t: f"{rfc3339(t, -3600)}{fraction(t)}-01:00",
    "lower": lambda t: rfc3339(t).lower() + "z",
}
