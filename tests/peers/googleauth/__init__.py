"""Google's authentication on loopback: OAuth, STS, IAM credentials, metadata server, and what
stands beside them (a pipeline's OIDC provider, an AWS instance).

It takes what the real services take, refuses what they refuse, misbehaves by a fault plan
(faults.py, with the positions below), and logs every request with its fields.  Every token that it
hands out is remembered (ledger.py), so that a registry's front knows which of them are alive.

    with Google(life=5) as google:                          # tokens that die after five seconds
        path = files.Files(google, folder).service_account()
        front = Front(registry.url, gate=Gate("bearer", google=google))
"""
import json
import re
import time
from email.utils import formatdate
from urllib.parse import parse_qsl, urlsplit

import faults
import server
import wire
from answer import Answer
from gate import Verdict
from request import Request

from . import iam, oauth
from .answers import Refused, no
from .aws import Aws
from .iam import Iam
from .ledger import Ledger
from .metadata import Metadata
from .names import REGISTRY_SCOPES, REGISTRY_USERS
from .oauth import OAuth
from .secret import Secret, veiled
from .sts import Sts

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
FORM_MAX = 64 << 10

POSITIONS = {
    "token": ("POST", r"^/token$"),
    "tokeninfo": ("GET|POST", r"^/tokeninfo"),
    "sts": ("POST", r"^/v1/token$"),
    "oauthtoken": ("POST", r"^/v1/oauthtoken$"),
    "introspect": ("POST", r"^/v1/introspect$"),
    "impersonate": ("POST", r":generateAccessToken$"),
    "oidc": ("GET", r"^/oidc"),
    "imds": ("GET|PUT", r"^/aws/"),
    "metadata": ("GET", r"^/computeMetadata/"),
    "metadata-token": ("GET", r"^/computeMetadata/.*/token(\?|$)"),
}


class Call(Request):
    """One request to one of the services."""

    def __init__(self, google, stream, head, origin, connection):
        super().__init__(google, stream, head, origin, connection)
        self.google = google
        self.path = urlsplit(self.target).path
        self.is_token = True                        # every rule's `authorised` is satisfied
        self.data = b"".join(iter(self.read, b""))
        token = google.ledger.find((head.get("Authorization") or "").partition(" ")[2])
        self.verdict = Verdict(True, token=token)
        self.entry = google.record.open(
            method=self.method, path=self.target, connection=connection.number,
            headers=veiled({k.lower(): v for k, v in head.fields}), raw=Secret(self.text()),
            form=self.loose(self.form, FORM), json=self.loose(self.json, JSON),
            token=token.id if token else None)

    def read(self):
        if self.body.taken > FORM_MAX:
            raise wire.Gone("a body beyond any reason")
        return super().read()

    def text(self):
        return self.data.decode("latin-1")

    def content_type(self):
        return (self.head.get("Content-Type") or "").partition(";")[0].strip().lower()

    def loose(self, parse, kind):
        """For the log: also what will be refused later."""
        if not self.data or self.content_type() != kind:
            return None
        try:
            return veiled(parse())
        except Refused:
            return None

    def form(self):
        if self.content_type() != FORM:
            no("invalid_request", "Bad content type")
        try:
            pairs = parse_qsl(self.text(), keep_blank_values=True, strict_parsing=True,
                              max_num_fields=64)
        except ValueError:
            no("invalid_request", "Bad form")
        if len(dict(pairs)) != len(pairs):
            no("invalid_request", "OAuth 2 parameters can only have a single value")
        return dict(pairs)

    def json(self):
        if self.content_type() != JSON:
            no("invalid_request", "Bad content type")
        try:
            document = json.loads(self.data)
        except ValueError:
            no("invalid_request", "Bad JSON")
        if not isinstance(document, dict):
            no("invalid_request", "Bad JSON")
        return document

    def proceed(self):
        metadata = self.google.metadata
        is_metadata = self.path == "/" or self.path.startswith("/computeMetadata/")
        if is_metadata and metadata.is_away() and metadata.absence == "reset":
            return self.reset()
        return super().proceed()

    def obtain(self):
        for pattern, methods, answer in self.google.routes:
            if re.fullmatch(pattern, self.path):
                if self.method not in methods.split():
                    return Answer(405, [("Allow", methods)])
                try:
                    return answer(self)
                except Refused as refused:
                    return refused.answer
        return Answer.oauth("not_found", status=404)

    def answer_head(self, answer):
        if not answer.get("Date"):
            answer.set("Date", formatdate(self.google.now(), usegmt=True))
        return super().answer_head(answer)


class Google(server.Server):
    """life: of all tokens, in seconds; None: as the real ones.  skew: Google's clock is so many
    seconds ahead of ours.  Everything else is set at the services: google.ledger, .oauth, .sts,
    .iam, .aws, .metadata."""
    exchange_class = Call

    def __init__(self, life=None, rules=(), port=0, skew=0.0):
        super().__init__(faults.Plan(rules, POSITIONS), ("google",), port=port)
        self.skew = skew
        self.host = self.addresses["google"]
        self.ledger = self.gate = Ledger(life)
        self.oauth, self.sts, self.iam = OAuth(self), Sts(self), Iam(self)
        self.metadata, self.aws = Metadata(self), Aws()
        self.routes = (
            (r"/token", "POST", self.oauth.token),
            (r"/tokeninfo", "POST", self.oauth.tokeninfo),
            (r"/v1/token", "POST", self.sts.exchange),
            (r"/v1/oauthtoken", "POST", self.sts.oauthtoken),
            (r"/v1/introspect", "POST", self.sts.introspect),
            (iam.VERB.pattern, "POST", self.iam.call),
            (r"/oidc(/text|/executable)?", "GET", self.sts.oidc),
            (r"/aws/token", "PUT", self.aws.session),
            (r"/aws/(az|creds(/.*)?)", "GET", self.aws.metadata),
            (r"/|/computeMetadata/v1/.*", "GET", self.metadata.answer),
        )

    def now(self):
        return time.time() + self.skew

    def id_token(self, subject, audience):
        return oauth.id_token(self, subject, audience)

    # -- asked by a registry, see gate.py

    def credential(self, user, password, scopes=REGISTRY_SCOPES):
        """The living token behind USER:PASSWORD, as Artifact Registry takes them, or None."""
        known = user in REGISTRY_USERS or re.fullmatch(r"_dcgcr_\d+_\d+_\d+_token", user)
        return self.bearer(password, scopes) if known else None

    def bearer(self, text, scopes=REGISTRY_SCOPES):
        return self.ledger.alive(text, scopes) or self.oauth.self_signed(text, scopes)
