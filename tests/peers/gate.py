"""Who may do what: credentials, the tokens made from them, and the many ways to say no.

A token's life is judged here by the front's own clock when a request ARRIVES; what the token answer
claims (`expires_in`) is a separate setting, because real registries and proxies disagree with
themselves about it.
"""
import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from answer import Answer
from record import fingerprint

UPLOAD = "artifactregistry.repositories.uploadArtifacts"
RESOURCE = 'on resource "projects/acme/locations/us/repositories/web" (or it may not exist)'


@dataclass
class Token:
    id: str
    text: str
    scopes: dict                  # repository -> set of actions
    born: float
    life: float
    user: str
    credential: object = None
    uses: int = 0
    dead: bool = False


@dataclass
class Credential:
    user: str
    password: str
    dies_at: float = float("inf")

    def alive(self):
        return time.monotonic() < self.dies_at


@dataclass
class Lent:
    """A credential that is a living access token of Google's (googleauth)."""
    user: str
    token: object

    def alive(self):
        return self.token.alive()


@dataclass
class Verdict:
    ok: bool
    shape: str = ""
    token: Token = None
    scope: str = ""


@dataclass
class Gate:
    """mode: none, basic or bearer.  The other fields say how it is strict and how it misbehaves."""
    mode: str = "none"
    life: float = 3600            # how long a token really lives
    uses: int = 0                 # ... or after how many requests it is dead; 0: no such limit
    claim: object = "life"        # expires_in: "life" = the truth, None = omitted, else as it is
    issued_at: object = None      # None = omitted, a number = seconds off from now, else as it is
    refusal: str = "challenge"    # shape of the answer to a dead token, see SHAPES
    lacking: str = "denied"       # shape of the answer to a live token without the scope
    grant: object = None          # None = all; or callable(user, repository, action) -> bool
    strict: bool = False          # the token endpoint itself refuses an unentitled wish (GAR)
    anonymous: str = "refuse"     # refuse, pull (may read), empty (a token that is worth nothing)
    oauth2: bool = False          # POST to the token endpoint; off = 404, as GAR answers
    direct: bool = False          # take Basic, and the password as a Bearer, on /v2/ (GAR does)
    bound: bool = False           # a token dies with the credential it was made from
    credentials: list = field(default_factory=list)
    google: object = None         # its living access tokens are credentials, see googleauth
    identity_tokens: set = field(default_factory=set)
    realm: str = ""               # where the challenge points to; the front fills it in
    service: str = "front.test"

    def __post_init__(self):
        self.lock = threading.Lock()
        self.tokens = {}
        self.issued = []
        self.stuck_until = 0.0

    # -- what tests and rules do to it

    def allow(self, user, password, life=None):
        dies_at = float("inf") if life is None else time.monotonic() + life
        self.credentials.append(Credential(user, password, dies_at))
        return self

    def kill_tokens(self):
        with self.lock:
            for token in self.tokens.values():
                token.dead = True

    def kill_credentials(self):
        for credential in self.credentials:
            credential.dies_at = 0

    def stick(self, seconds):
        """For this long the token endpoint repeats the last token, dead or not (a stale cache)."""
        self.stuck_until = time.monotonic() + seconds

    # -- judging a request

    def judge(self, head, need):
        """NEED: list of (repository, action); empty for the bare /v2/."""
        scope = " ".join(f"repository:{r}:{a}" for r, a in sorted(need))
        if self.mode == "none":
            return Verdict(True)
        scheme, _, rest = (head.get("Authorization") or "").partition(" ")
        scheme = scheme.lower()
        if not rest:
            return Verdict(False, "challenge" if self.mode == "bearer" else "basic", scope=scope)
        if self.mode == "basic" or (self.direct and scheme == "basic"):
            return Verdict(bool(self.known_basic(rest)), "basic", scope=scope)
        if self.direct and self.known_bearer(rest):
            return Verdict(True)
        return self.judge_token(rest, need, scope)

    def judge_token(self, text, need, scope):
        with self.lock:
            token = self.tokens.get(text)
            if not token or not self.is_alive(token):
                return Verdict(False, self.refusal, token, scope)
            token.uses += 1
        for repository, action in need:
            if not action_set(action) <= token.scopes.get(repository, set()):
                return Verdict(False, self.lacking, token, scope)
        return Verdict(True, token=token, scope=scope)

    def is_alive(self, token):
        return not (token.dead or time.monotonic() - token.born >= token.life
                    or (self.uses and token.uses >= self.uses)
                    or (self.bound and token.credential and not token.credential.alive()))

    def known_basic(self, text):
        try:
            user, _, password = base64.b64decode(text).decode().partition(":")
        except ValueError:
            return None
        for c in self.credentials:
            if c.alive() and c.user in (user, None) and c.password == password:
                return c
        token = self.google and self.google.credential(user, password)
        return Lent(user, token) if token else None

    def known_bearer(self, text):
        return any(c.alive() and c.password == text for c in self.credentials) or bool(
            self.google and self.google.bearer(text))

    # -- the token endpoint

    def answer_token(self, method, target, head, body):
        if method == "POST":
            return self.answer_oauth2(body)
        wishes = parse_qs(urlsplit(target).query).get("scope", [])
        scheme, _, rest = (head.get("Authorization") or "").partition(" ")
        if not rest:
            return self.answer_anonymous(wishes)
        credential = self.known_basic(rest) if scheme.lower() == "basic" else None
        if not credential:
            return Answer.error(401, "UNAUTHORIZED", "No valid credential was supplied.")
        return self.mint(credential.user or "", credential, wishes)

    def answer_oauth2(self, body):
        if not self.oauth2:
            return Answer(404, body=b"404 page not found\n")
        form = {k: v[0] for k, v in parse_qs(body.decode("latin-1")).items()}
        wishes = form.get("scope", "").split()
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") in self.identity_tokens:
                return self.mint("identity", None, wishes)
        elif form.get("grant_type") == "password":
            pair = f"{form.get('username', '')}:{form.get('password', '')}"
            credential = self.known_basic(base64.b64encode(pair.encode()))
            if credential:
                return self.mint(credential.user or "", credential, wishes)
        return Answer.error(401, "UNAUTHORIZED", "No valid credential was supplied.")

    def answer_anonymous(self, wishes):
        if self.anonymous == "refuse":
            return self.refuse("unauthenticated")
        return self.mint("", None, wishes, only={"pull"} if self.anonymous == "pull" else set())

    def mint(self, user, credential, wishes, only=None):
        scopes = {}
        for wish in (w for text in wishes for w in text.split()):
            kind, _, rest = wish.partition(":")
            repository, _, actions = rest.rpartition(":")
            wanted = action_set(actions)
            given = {a for a in wanted if (only is None or a in only)
                     and (self.grant is None or self.grant(user, repository, a))}
            if self.strict and given != wanted:
                return Answer.error(403, "DENIED", f'Permission "{UPLOAD}" denied {RESOURCE}')
            if kind == "repository":
                scopes.setdefault(repository, set()).update(given)
        with self.lock:
            if self.issued and time.monotonic() < self.stuck_until:
                token = self.issued[-1]
            else:
                token = Token(f"t{len(self.issued) + 1}", secrets.token_urlsafe(24), scopes,
                              time.monotonic(), self.life, user, credential)
                self.tokens[token.text] = token
                self.issued.append(token)
        return Answer(200, [("Content-Type", "application/json")],
                      json.dumps(self.token_json(token)).encode())

    def token_json(self, token):
        answer = {"token": token.text}
        if self.claim == "life":
            answer["expires_in"] = max(1, int(token.life))
        elif self.claim is not None:
            answer["expires_in"] = self.claim
        if isinstance(self.issued_at, (int, float)):
            answer["issued_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                time.gmtime(time.time() + self.issued_at))
        elif self.issued_at is not None:
            answer["issued_at"] = self.issued_at
        return answer

    def refuse(self, shape, scope=""):
        return SHAPES[shape](self, scope)

    def facts(self, head, verdict):
        """What the record says about a request's identity: never the secret itself."""
        value = head.get("Authorization")
        token = verdict.token
        return {"authorization": value is not None,
                "scheme": value.partition(" ")[0] if value else None,
                "credential": fingerprint(value) if value else None,
                "token": token.id if token else None,
                "token_age": round(time.monotonic() - token.born, 3) if token else None}


def action_set(text):
    return set(text.split(",")) if text else set()


def challenge(gate, scope, extra=""):
    value = f'Bearer realm="{gate.realm}",service="{gate.service}"'
    if scope:
        value += f',scope="{scope}"'
    return [("WWW-Authenticate", value + extra)]


def unauthorized(headers):
    answer = Answer.error(401, "UNAUTHORIZED", "authentication failed")
    answer.headers += headers
    return answer


# How a registry says no.  Keys are used by rules ("shape"), by Gate.refusal and by Gate.lacking.
SHAPES = {
    "challenge": lambda g, s: unauthorized(challenge(g, s)),                 # GAR: no error=
    "invalid_token": lambda g, s: unauthorized(challenge(g, s, ',error="invalid_token"')),
    "insufficient_scope": lambda g, s: unauthorized(challenge(g, s, ',error="insufficient_scope"')),
    "bare": lambda g, s: unauthorized([]),                                   # Docker Hub, at times
    "basic": lambda g, s: unauthorized([("WWW-Authenticate", f'Basic realm="{g.service}"')]),
    "unauthenticated": lambda g, s: Answer.error(
        403, "DENIED", "Unauthenticated request. Unauthenticated requests do not have permission "
        f'"{UPLOAD}" {RESOURCE}'),
    "denied": lambda g, s: Answer.error(403, "DENIED", f'Permission "{UPLOAD}" denied {RESOURCE}'),
    "expired400": lambda g, s: Answer.error(                                 # public.ecr.aws
        400, "DENIED", "Your authorization token has expired. Reauthenticate and try again."),
    "expired403": lambda g, s: Answer(                                       # ECR: plain text
        403, [("Content-Type", "text/plain")], b"Your Authorization Token has expired. Please run "
        b"'aws ecr get-login' to fetch a new one.\n"),
}
