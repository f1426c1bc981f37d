"""oauth2.googleapis.com: POST /token (JWT bearer, refresh token) and POST /tokeninfo."""
import secrets
import time

from answer import Answer

from . import jose
from .answers import Refused, need, no
from .ledger import Token
from .names import (ACCOUNT, CLIENT_ID, CLIENT_SECRET, CLOUD_PLATFORM, DELEGATE, EMAIL, JWT_BEARER,
                    KEY_ID, PERSON, REFRESH_TOKEN, TARGET, TOKEN_AUDIENCE, is_scope)

LIFE_MAX = 3600
SHORT = ("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
         "timeframe. Check your iat and exp values in the JWT claim.")


class OAuth:
    """accounts: e-mail to {key id: owner of the key (jose.key)}; no keys = cannot log in itself.

    reauth: the person must log in again (invalid_rapt).  rotate: each refresh brings a new refresh
    token and ends the old one.  leeway: seconds by which `iat` may lie in the future."""

    def __init__(self, google):
        self.google = google
        self.accounts = {ACCOUNT: {KEY_ID: KEY_ID}, TARGET: {}, DELEGATE: {}}
        self.clients = {CLIENT_ID: CLIENT_SECRET}
        self.refresh_tokens = {REFRESH_TOKEN: PERSON}
        self.person_scopes = {CLOUD_PLATFORM, EMAIL, "openid"}
        self.audiences = {TOKEN_AUDIENCE, f"{google.url}/token"}
        self.reauth = self.rotate = False
        self.leeway = 0

    # -- POST /token

    def token(self, call):
        form = call.form()
        kind = form.get("grant_type", "")
        if kind == JWT_BEARER:
            return self.from_assertion(form)
        if kind == "refresh_token":
            return self.from_refresh_token(form)
        return Answer.oauth("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def from_assertion(self, form):
        claims = self.checked(form.get("assertion", ""))
        if "target_audience" in claims:
            need("scope" not in claims, "invalid_scope", "scope beside target_audience")
            token = self.google.id_token(claims["iss"], claims["target_audience"])
            return Answer.json({"id_token": token})
        scopes = claims.get("scope", "").split()
        need(scopes, "invalid_scope", "Empty or missing scope not allowed.")
        need(all(map(is_scope, scopes)), "invalid_scope",
             "Invalid OAuth scope or ID token audience provided.")
        token = self.google.ledger.issue("service-account", claims["iss"], scopes)
        return Answer.json({"access_token": token.text, **self.google.ledger.expiry(token),
                            "token_type": "Bearer"})

    def checked(self, assertion):
        """The claims of an assertion that Google would accept."""
        claims = self.signed(assertion)
        issued, expires = claims.get("iat"), claims.get("exp")
        need(isinstance(issued, int) and isinstance(expires, int), "invalid_grant", SHORT)
        now = self.google.now()
        need(issued <= now + self.leeway and now < expires <= issued + LIFE_MAX,
             "invalid_grant", SHORT)
        need(claims.get("aud") in self.audiences, "invalid_grant",
             "Invalid JWT: Failed audience check.")
        need(claims.get("sub", claims["iss"]) == claims["iss"], "unauthorized_client",
             "Client is unauthorized to retrieve access tokens using this method.", status=401)
        return claims

    def signed(self, text):
        """The claims of a JWT that an account signed with a key of its own."""
        try:
            header, issuer = jose.header(text), jose.peek(text).get("iss")
        except jose.Bad:
            no("invalid_grant", "Invalid JWT: not a JSON web token.")
        need(header.get("alg") == "RS256" and header.get("typ") == "JWT", "invalid_grant",
             "Invalid JWT: Unsupported header.")
        keys = self.accounts.get(issuer)
        need(keys is not None, "invalid_grant", "Invalid grant: account not found")
        try:
            return jose.verify(text, keys[header.get("kid")])
        except (jose.Bad, KeyError):
            no("invalid_grant", "Invalid JWT Signature.")

    def from_refresh_token(self, form):
        known = self.clients.get(form.get("client_id"))
        need(known is not None, "invalid_client", "The OAuth client was not found.", status=401)
        need(form.get("client_secret") == known, "invalid_client", "Unauthorized", status=401)
        old = form.get("refresh_token")
        person = self.refresh_tokens.get(old)
        need(person, "invalid_grant", "Token has been expired or revoked.")
        need(not self.reauth, "invalid_grant", "reauth related error (invalid_rapt)",
             error_uri="https://support.google.com/a/answer/9368756", error_subtype="invalid_rapt")
        scopes = form.get("scope", "").split() or sorted(self.person_scopes)
        need(set(scopes) <= self.person_scopes, "invalid_scope", "Bad Request")
        token = self.google.ledger.issue("user", person, scopes)
        return Answer.json({"access_token": token.text, **self.google.ledger.expiry(token),
                            "scope": " ".join(scopes), "token_type": "Bearer",
                            "id_token": self.google.id_token(person, form["client_id"]),
                            **rotated(self.refresh_tokens, old, self.rotate)})

    # -- POST /tokeninfo

    def tokeninfo(self, call):
        token = self.google.ledger.find(call.form().get("access_token"))
        need(token and token.alive() and token.kind not in ("federated", "workforce"),
             "invalid_token", "Invalid Value")
        left = int(token.left())
        return Answer.json({
            "azp": "1", "aud": "1", "sub": "1", "scope": " ".join(sorted(token.scopes)),
            "exp": str(int(self.google.now()) + left), "expires_in": str(left),
            "email": token.principal, "email_verified": "true", "access_type": "online"})

    # -- self-signed JWT in place of an access token (AIP-4111)

    def self_signed(self, text, scopes):
        """TEXT as a Token, if it is such a JWT, alive, with one of SCOPES; else None."""
        try:
            claims = self.signed(text)
        except Refused:
            return None
        issued, expires = claims.get("iat", 0), claims.get("exp", 0)
        granted = frozenset(claims.get("scope", "").split())
        if claims["iss"] != claims.get("sub") or "aud" in claims or not granted & set(scopes) \
                or not issued <= self.google.now() < expires == issued + LIFE_MAX:
            return None
        return Token("self-signed", "service-account", claims["iss"], granted, time.monotonic(),
                     expires - self.google.now(), text)


def rotated(tokens, old, wanted):
    """The field of a token answer that replaces the refresh token OLD, if that is WANTED."""
    if not wanted:
        return {}
    new = "1//" + secrets.token_urlsafe(24)
    tokens[new] = tokens.pop(old)
    return {"refresh_token": new}


def id_token(google, subject, audience):
    now = int(google.now())
    return jose.sign("google", {"iss": "https://accounts.google.com", "aud": audience,
                                "sub": subject, "email": subject, "iat": now,
                                "exp": now + LIFE_MAX})
