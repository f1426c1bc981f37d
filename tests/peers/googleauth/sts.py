"""sts.googleapis.com: subject token for federated token, the workforce's refresh, introspection;
and the pipeline's OIDC provider, whose tokens are exchanged."""
import base64
import json
import time
import uuid
from urllib.parse import parse_qs, urlsplit

from answer import Answer

from . import aws, jose
from .answers import need, no, text
from .names import (ACCESS_TOKEN_TYPE, AUDIENCE, AWS_TYPE, CLIENT_ID, CLIENT_SECRET,
                    GCLOUD_CLIENT_ID, ID_TOKEN_TYPE, JWT_TYPE, OIDC_AUDIENCE, OIDC_BEARER,
                    TOKEN_EXCHANGE, WORKER, WORKFORCE_AUDIENCE, WORKFORCE_REFRESH_TOKEN)
from .oauth import rotated

ISSUER, SUBJECT = "https://token.actions.example.com", "repo:acme/web:ref:refs/heads/main"
TOKEN_MAX = 12288


class Sts:
    """once: a subject token is exchanged only once.  subject_life: seconds, of OIDC tokens, and so
    the most that a federated token made of one has.  rotate: as in OAuth, of the workforce."""

    def __init__(self, google):
        self.google = google
        self.audiences = {AUDIENCE: False, WORKFORCE_AUDIENCE: True}    # True: of a workforce
        self.once = self.rotate = False
        self.subject_life = 300
        self.bearer = OIDC_BEARER
        self.spent = set()
        self.refresh_tokens = {WORKFORCE_REFRESH_TOKEN: WORKER}
        self.clients = {CLIENT_ID: CLIENT_SECRET, GCLOUD_CLIENT_ID: None}    # None: any secret

    # -- the pipeline's side

    def subject_token(self, life=None, audience=OIDC_AUDIENCE, owner="oidc"):
        """An OIDC token; OWNER another than "oidc": signed with a key that nobody trusts."""
        now = int(self.google.now())
        return jose.sign(owner, {
            "iss": ISSUER, "sub": SUBJECT, "aud": audience, "iat": now, "nbf": now,
            "exp": now + (self.subject_life if life is None else life), "jti": uuid.uuid4().hex})

    def oidc(self, call):
        """GET /oidc[?audience=...], as GitHub; /oidc/text and /oidc/executable: other wrappings."""
        if call.head.get("Authorization") != f"Bearer {self.bearer}":
            return Answer.json({"message": "not authorized"}, 401)
        query = parse_qs(urlsplit(call.target).query)
        token = self.subject_token(audience=query.get("audience", [OIDC_AUDIENCE])[0])
        if call.path == "/oidc/text":
            return text(token + "\n")
        if call.path == "/oidc/executable":
            return Answer.json({"version": 1, "success": True, "token_type": JWT_TYPE,
                                "id_token": token,
                                "expiration_time": int(self.google.now()) + self.subject_life})
        return Answer.json({"count": len(token), "value": token})

    # -- POST /v1/token

    def exchange(self, call):
        form = call.json() if call.content_type() == "application/json" else call.form()
        need(all(isinstance(value, str) for value in form.values()), "invalid_request",
             "Invalid value")
        need(form.get("grant_type") == TOKEN_EXCHANGE, "unsupported_grant_type",
             "Invalid grant_type")
        need(form.get("requested_token_type") == ACCESS_TOKEN_TYPE, "invalid_request",
             "Invalid requested_token_type")
        audience = form.get("audience")
        need(audience in self.audiences, "invalid_target",
             "The target service indicated by the \"audience\" parameters is invalid.")
        scopes = form.get("scope", "").split()
        need(scopes, "invalid_scope", "Invalid scope")
        self.check_client(call, form, self.audiences[audience])
        principal, life = self.judge(form.get("subject_token", ""), form.get("subject_token_type"),
                                     audience)
        token = self.google.ledger.issue("federated", principal, scopes, life)
        return self.granted(token)

    def granted(self, token, **more):
        return Answer.json({"access_token": token.text, "issued_token_type": ACCESS_TOKEN_TYPE,
                            "token_type": "Bearer", **self.google.ledger.expiry(token), **more})

    def check_client(self, call, form, workforce):
        """Who authenticates as a client must be one; a workforce that does not must name a
        project that pays."""
        if call.head.get("Authorization"):
            self.basic(call)
        elif workforce:
            options = form.get("options") or "{}"
            try:
                options = json.loads(options)
            except ValueError:
                no("invalid_request", "Invalid options")
            need(isinstance(options, dict) and options.get("userProject"), "invalid_request",
                 "A user project is needed")

    def judge(self, subject_token, kind, audience):
        """Whose SUBJECT_TOKEN is, and how long it still lives."""
        need(len(subject_token) <= TOKEN_MAX, "invalid_request", "Token too long")
        if kind == AWS_TYPE:
            found = aws.who(self.google.aws, subject_token, audience, self.google.now())
        elif kind in (JWT_TYPE, ID_TOKEN_TYPE):
            found = self.who(subject_token)
        else:
            no("invalid_request", "Invalid subject_token_type")
        if self.once:
            need(subject_token not in self.spent, "invalid_grant",
                 "The subject token was exchanged before.")
            self.spent.add(subject_token)
        return found

    def who(self, subject_token):
        try:
            claims = jose.verify(subject_token, "oidc")
        except jose.Bad:
            no("invalid_grant", "Error connecting to the given credential's issuer: bad signature.")
        need(claims["aud"] == OIDC_AUDIENCE, "invalid_grant",
             f"The audience in ID Token [{claims['aud']}] does not match the expected audience.")
        left = claims["exp"] - self.google.now()
        need(left > 0, "invalid_grant", f"ID Token issued at {claims['iat']} is stale to sign-in.")
        return f"principal:{AUDIENCE}/subject/{claims['sub']}", left

    # -- POST /v1/oauthtoken

    def oauthtoken(self, call):
        self.basic(call)
        form = call.form()
        need(form.get("grant_type") == "refresh_token", "unsupported_grant_type",
             "Invalid grant_type")
        old = form.get("refresh_token")
        worker = self.refresh_tokens.get(old)
        need(worker, "invalid_grant", "The refresh token is invalid or was revoked.")
        token = self.google.ledger.issue("workforce", worker, self.google.oauth.person_scopes)
        return self.granted(token, **rotated(self.refresh_tokens, old, self.rotate))

    # -- POST /v1/introspect

    def introspect(self, call):
        form = call.form()
        self.basic(call)
        need(form.get("token_type_hint", ACCESS_TOKEN_TYPE) == ACCESS_TOKEN_TYPE,
             "invalid_request", "Invalid token_type_hint")
        token = self.google.ledger.find(form.get("token"))
        if not token or not token.alive():
            return Answer.json({"active": False})
        now = self.google.now()
        return Answer.json({
            "active": True, "client_id": "1", "iss": "https://sts.googleapis.com/",
            "scope": " ".join(sorted(token.scopes)), "sub": token.principal,
            "username": token.principal, "token_type": "Bearer",
            "iat": str(int(now - (time.monotonic() - token.born))),
            "exp": str(int(now + token.left()))})

    def basic(self, call):
        """The client that authenticates with Basic, or the end of the request."""
        scheme, _, rest = (call.head.get("Authorization") or "").partition(" ")
        try:
            client, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
        except ValueError:
            client = secret = None
        need(scheme.lower() == "basic" and client in self.clients
             and self.clients[client] in (None, secret), "invalid_client", "Unauthorized",
             status=401)
