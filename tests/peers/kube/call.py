"""One request to the API server: who asks, what for; and its line in the record."""
import gzip
import json
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import wire
from answer import Answer
from gate import Verdict
from request import Request

from . import api, protobuf
from .resources import Resource, find
from .status import Refused, bad_request, method_not_allowed, no_such_path, \
    unsupported_media_type

BODY_MAX = 3 << 20
GZIP_MIN = 128 << 10
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass
class Target:
    """What a path names; resource None: it is none of an object."""
    resource: Resource = None
    namespace: str = ""
    name: str = ""
    sub: str = ""


def target_of(path):
    parts = [unquote(p) for p in path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Target()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource = find(group, version, rest[0])
    name, sub = (rest[1:] + ["", ""])[:2]
    if resource is None or len(rest) > 3 or sub and sub not in resource.subresources:
        return Target()
    if namespace and not resource.namespaced or name and resource.namespaced and not namespace:
        return Target()
    return Target(resource, namespace, name, sub)


class Call(Request):
    def __init__(self, cluster, stream, head, origin, connection):
        super().__init__(cluster, stream, head, origin, connection)
        self.cluster, self.store = cluster, cluster.store
        parts = urlsplit(self.target.removeprefix(cluster.prefix))
        self.path = parts.path.rstrip("/") or "/"
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.what = target_of(self.path)
        self.is_token = False
        self.verb = self.verb_of()
        try:
            self.who = cluster.access.who(head.get("Authorization"), connection.certificate())
            self.refusal = None
        except Refused as refused:
            self.who, self.refusal = None, refused
        self.verdict = Verdict(self.who is not None, token=self.who and self.who.token)
        self.data = b"".join(iter(self.read, b""))
        self.entry = cluster.record.open(
            method=self.method, path=self.target, verb=self.verb, query=self.query,
            resource=self.what.resource and self.what.resource.plural,
            connection=connection.number, accept=head.get("Accept"),
            content_type=head.get("Content-Type"), agent=head.get("User-Agent"),
            user=self.who and self.who.user.name, body=self.loose_body(),
            token=self.who and self.who.token and self.who.token.id,
            certificate=self.who and self.who.certificate)

    def read(self):
        if self.body.taken > BODY_MAX:
            raise wire.Gone("a body beyond any reason")
        return super().read()

    def verb_of(self):
        if self.method == "GET" and not self.what.name:
            return "watch" if self.flag("watch") else "list"
        if self.method == "DELETE":
            return "delete" if self.what.name else "deletecollection"
        return VERBS.get(self.method, "get")

    def flag(self, name):
        return self.query.get(name, "").lower() in ("1", "true", "t")

    def json(self):
        if "protobuf" in (self.head.get("Content-Type") or ""):
            if self.what.resource.kind == "SelfSubjectAccessReview":
                return protobuf.access_review(self.data)
            raise unsupported_media_type(["application/json"])
        try:
            return json.loads(self.data or b"{}")
        except ValueError as error:
            raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None

    def loose_body(self):
        try:
            return json.loads(self.data) if self.data else None
        except ValueError:                  # UnicodeDecodeError is one: protobuf, for instance
            return None

    def dry(self):
        wanted = self.query.get("dryRun", "")
        if wanted not in ("", "All"):
            raise bad_request(f'Invalid value: "{wanted}": must be one of All')
        return wanted == "All"

    # -- answering

    def proceed(self):
        answer = self.obtain()
        if answer:
            self.relay(answer)

    def obtain(self):
        """The answer; None if a watch has sent one already."""
        try:
            if self.refusal:
                raise self.refusal
            return self.answered()
        except Refused as refused:
            answer = Answer(refused.code, refused.headers, b"")
            return self.filled(answer, refused.document)

    def answered(self):
        user, what = self.who.user, self.what
        if not self.target.startswith(self.cluster.prefix):
            raise no_such_path()
        if what.resource is None:
            self.cluster.access.check_path(user, self.path)
            return api.plain(self)
        if what.resource.plural != "selfsubjectaccessreviews" or user.rules == []:
            self.cluster.access.check(user, self.verb, what.resource, what.namespace, what.name,
                                      what.sub)
        handler = api.HANDLERS.get(self.verb)
        if self.verb not in what.resource.verbs or not handler:
            raise method_not_allowed()
        if self.method == "POST" and what.name:
            raise method_not_allowed()
        return handler(self)

    def told(self, document, status=200, kind="application/json"):
        return self.filled(Answer(status), document, kind)

    def filled(self, answer, document, kind="application/json"):
        body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
        answer.set("Audit-Id", f"00000000-0000-4000-8000-{self.entry['seq']:012}")
        answer.set("Cache-Control", "no-cache, private")
        answer.set("Content-Type", kind)
        for warning in self.cluster.warnings:
            answer.headers.append(("Warning", f'299 - "{warning}"'))
        if len(body) > GZIP_MIN and "gzip" in (self.head.get("Accept-Encoding") or ""):
            body = gzip.compress(body, 1)
            answer.set("Content-Encoding", "gzip")
            answer.set("Vary", "Accept-Encoding")
        answer.body = body
        return answer
