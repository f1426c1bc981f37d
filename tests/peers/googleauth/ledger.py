"""Every access token that was handed out: whose it is, what it may, how long it lives.

Lives are judged by the monotonic clock when a token is SHOWN; what the answer that brought it
claims (`expires_in`) is a separate setting.
"""
import secrets
import threading
import time
from dataclasses import dataclass

from .names import REGISTRY_SCOPES

PREFIX = {"federated": "ya29.d.", "metadata": "ya29.c.c0AS", "user": "ya29.a0AS"}


@dataclass(eq=False)
class Token:
    id: str
    kind: str                     # service-account, user, federated, workforce, impersonated,
    principal: str                # metadata
    scopes: frozenset
    born: float
    life: float
    text: str
    dead: bool = False
    told: bool = False            # its life was told; whoever gets it again gets what is left

    def left(self):
        return 0.0 if self.dead else max(0.0, self.born + self.life - time.monotonic())

    def alive(self):
        return self.left() > 0

    def __repr__(self):
        return f"<{self.id}: {self.kind} token of {self.principal}, {self.left():.1f} s left>"


class Ledger:
    """life: of all tokens, or by their kind in `lives`, in seconds; None: as the real ones.

    claim: expires_in; "life" = the truth, "text" = the truth as a JSON string, None = omitted, else
    as it is.  size: pad tokens to so many bytes (Google's limit is 12288)."""

    def __init__(self, life=None):
        self.life = 3599 if life is None else life
        self.lives = {"impersonated": 43200} if life is None else {}
        self.claim = "life"
        self.size = 0
        self.tokens = {}
        self.issued = []
        self.stuck_until = 0.0
        self.lock = threading.RLock()

    def issue(self, kind, principal, scopes, most=None):
        """MOST: the longest life that this token can have, whatever the settings say."""
        life = self.lives.get(kind, self.life)
        with self.lock:
            if time.monotonic() < self.stuck_until:
                for old in reversed(self.issued):
                    if (old.kind, old.principal) == (kind, principal):
                        return old
            text = PREFIX.get(kind, "ya29.c.") + secrets.token_urlsafe(48)
            token = Token(f"g{len(self.issued) + 1}", kind, principal, frozenset(scopes),
                          time.monotonic(), life if most is None else min(life, most),
                          text.ljust(self.size, "x"))
            self.tokens[token.text] = token
            self.issued.append(token)
            return token

    def find(self, text):
        with self.lock:
            return self.tokens.get(text)

    def alive(self, text, scopes=REGISTRY_SCOPES):
        """The living token TEXT that has one of SCOPES, or None."""
        token = self.find(text)
        return token if token and token.alive() and token.scopes & set(scopes) else None

    def of(self, kind=None, principal=None):
        with self.lock:
            return [t for t in self.issued
                    if kind in (None, t.kind) and principal in (None, t.principal)]

    def expiry(self, token):
        """The field of an OAuth answer that tells TOKEN's life."""
        left = int(token.left()) if token.told else max(1, int(token.life))
        token.told = True
        if self.claim is None:
            return {}
        if self.claim in ("life", "text"):
            return {"expires_in": left if self.claim == "life" else str(left)}
        return {"expires_in": self.claim}

    # -- the words of the fault plan, see actions.py

    def kill_tokens(self):
        with self.lock:
            for token in self.issued:
                token.dead = True

    kill_credentials = kill_tokens

    def stick(self, seconds):
        """For this long whoever asks gets the last token again, dead or not (a stale cache)."""
        self.stuck_until = time.monotonic() + seconds
