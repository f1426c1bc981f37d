"""Who asks, and what they may: bearer tokens that die, client certificates, a little RBAC."""
import fnmatch
import secrets
import time
from dataclasses import dataclass, field

from record import fingerprint

from .status import forbidden, forbidden_path, unauthorized

ANONYMOUS = "system:anonymous"
PUBLIC = ("/version", "/healthz", "/livez", "/readyz")


@dataclass
class User:
    """rules: (verbs, resources) as patterns, ("get|list", "deployments.apps"); None: all."""
    name: str
    groups: tuple = ("system:authenticated",)
    rules: list = None


@dataclass
class Token:
    text: str
    user: User
    dies: float = None
    dead: bool = False

    @property
    def id(self):
        return fingerprint(self.text)

    def alive(self):
        return not self.dead and (self.dies is None or time.monotonic() < self.dies)


@dataclass
class Who:
    user: User
    token: Token = None
    certificate: str = None


@dataclass
class Access:
    """open: who shows nothing is the admin (plain http, for unit tests)."""
    open: bool = False
    tokens: dict = field(default_factory=dict)
    users: dict = field(default_factory=dict)
    denials: list = field(default_factory=list)

    def user(self, name, rules=None, groups=("system:authenticated",)):
        self.users[name] = User(name, groups, rules)
        return self.users[name]

    def issue(self, user="admin", life=None, text=None):
        """A new token of USER (a name) that lives for so many seconds."""
        found = self.users.get(user) or self.user(user)
        token = Token(text or secrets.token_urlsafe(24), found,
                      None if life is None else time.monotonic() + life)
        self.tokens[token.text] = token
        return token

    def kill_tokens(self):
        for token in self.tokens.values():
            token.dead = True

    def deny(self, verb, resource, namespace="*"):
        """For every user, from now on: deny("list", "events"); "pods/log" is a subresource."""
        self.denials.append((verb, resource, namespace))

    # -- authentication

    def who(self, authorization, certificate):
        """CERTIFICATE: as ssl.getpeercert() gives it."""
        subject = dict(pair[0] for pair in (certificate or {}).get("subject", ()))
        name = subject.get("commonName")
        if name:
            return Who(self.users.get(name) or User(name), certificate=name)
        if not authorization:
            return Who(User("admin") if self.open else
                       User(ANONYMOUS, ("system:unauthenticated",), []))
        scheme, _, text = authorization.partition(" ")
        token = self.tokens.get(text.strip())
        if scheme.lower() != "bearer" or not token or not token.alive():
            raise unauthorized()
        return Who(token.user, token)

    # -- authorisation

    def may(self, user, verb, resource, namespace="", sub=""):
        """RESOURCE: "deployments.apps" or, of any group, "deployments"."""
        full = f"{resource}/{sub}" if sub else resource
        names = {full, resource.partition(".")[0] + (f"/{sub}" if sub else "")}
        if any(hit(verb, d[0]) and any(hit(n, d[1]) for n in names) and hit(namespace, d[2])
               for d in self.denials):
            return False
        return user.rules is None or any(
            hit(verb, verbs) and any(hit(n, resources) for n in names)
            for verbs, resources in user.rules)

    def check(self, user, verb, resource, namespace, name, sub=""):
        if self.may(user, verb, resource.qualified, namespace, sub):
            return
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        plural = f"{resource.plural}/{sub}" if sub else resource.plural
        raise forbidden(resource, name, f'User "{user.name}" cannot {verb} resource "{plural}" in '
                        f'API group "{resource.group}" {where}')

    def check_path(self, user, path):
        if user.name == ANONYMOUS and path not in PUBLIC:
            raise forbidden_path(f'User "{ANONYMOUS}" cannot get path "{path}"')


def hit(text, patterns):
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns.split("|"))
