"""One request through the front: judged, forwarded, answered."""
import re
from urllib.parse import parse_qs, urlsplit

import wire
from answer import Answer
from gate import Verdict
from request import Request

HOP = ("Connection", "Keep-Alive", "Transfer-Encoding", "Expect", "Authorization", "TE", "Upgrade")


class Exchange(Request):
    def __init__(self, front, stream, head, origin, connection):
        super().__init__(front, stream, head, origin, connection)
        self.session = front.uploads.find(self.target)
        self.is_token = bool(re.match(r"/v2/token(\?|$)", self.target))
        found = re.match(r"/v2/(.+)/(?:blobs|manifests|tags|referrers)/", self.target)
        self.repo = self.session.repo if self.session else found.group(1) if found else ""
        self.verdict = self.judge()
        self.entry = front.record.open(
            method=self.method, path=self.target, repo=self.repo, origin=origin,
            connection=connection.number, **front.gate.facts(head, self.verdict))

    # -- judging

    def judge(self):
        front = self.front
        if self.is_token or self.origin == "other":
            return Verdict(True)
        if self.session and front.uploads.is_capability(self.target):
            if front.capability == "open" or (front.capability == "dead-refused"
                                              and not self.head.get("Authorization")):
                return Verdict(True)
        return front.gate.judge(self.head, self.need())

    def need(self):
        if not self.repo:
            return []
        reads = self.method in ("GET", "HEAD") and not self.session
        need = [(self.repo, "pull" if reads else "pull,push")]
        source = parse_qs(urlsplit(self.target).query).get("from")
        return need + [(source[0], "pull")] if source else need

    # -- obtaining an answer

    def obtain(self, body=None, target=None):
        """BODY (bytes) and TARGET replace what the client sent on the way to the registry."""
        front = self.front
        if self.is_token:
            return front.gate.answer_token(self.method, self.target, self.head, self.read_all())
        if not self.verdict.ok:
            return front.gate.refuse(self.verdict.shape, self.verdict.scope)
        answer = front.veil.cover(self) or self.object()
        if answer:
            return answer
        before = front.veil.prepare(self)
        answer = self.forward(body, target)
        front.veil.store(self, answer, before)
        return answer

    def object(self):
        """What this kind of registry objects to, if anything."""
        front, length = self.front, self.body.length or 0
        is_upload = "/upload" in self.target
        if front.blobs_elsewhere and self.method == "GET" and self.origin == "front" \
                and "/blobs/sha256:" in self.target:
            return Answer(307, [("Location", front.other_url + self.target)])
        if self.target.startswith("/artifacts-uploads/") and not self.session:
            return Answer.error(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown")
        if is_upload and self.method == "PATCH":
            if front.refuse_patch:
                return Answer.error(405, "UNSUPPORTED", "PATCH is not supported")
            if front.no_chunks and self.head.get("Content-Range"):
                return Answer.error(400, "UNSUPPORTED", "chunked uploads are not supported")
        if is_upload and self.method == "PUT" and front.refuse_put_body:
            if length or self.body.kind == "chunked":
                return Answer(301, [("Location", self.target)])
        if front.max_body and length > front.max_body:
            return Answer(413, [("Content-Type", "text/html")], b"<html>413 too large</html>\n")
        return None

    def forward(self, body=None, target=None):
        target = target or (self.front.uploads.inward(self.session, self.target)
                            if self.session else self.target)
        head = wire.Head([self.method, target, "HTTP/1.1"], self.head.fields)
        head.remove(*HOP)
        if self.front.tls:
            head.set("X-Forwarded-Proto", "https")
        upstream = self.connection.upstream()
        if body is not None:
            head.set("Content-Length", len(body))
            upstream.send(head.encode() + body)
        elif self.body.kind == "chunked":
            head.set("Transfer-Encoding", "chunked")
            upstream.send(head.encode())
            self.pump(upstream, chunked=True)
        else:
            upstream.send(head.encode())
            self.pump(upstream, chunked=False)
        return self.hear(upstream)

    def pump(self, upstream, chunked):
        while piece := self.read():
            upstream.send(wire.chunk(piece) if chunked else piece)
        if chunked:
            upstream.send(wire.LAST_CHUNK)

    def hear(self, upstream):
        """The registry's answer; its body is still to come."""
        while True:
            data = upstream.head_bytes()
            if not data:
                raise wire.Gone("the registry closed the connection")
            head = wire.Head.parse(data)
            status = int(head.first[1])
            if status >= 200:
                break
        body = wire.Body(upstream, head, until_close=True,
                         none=self.method == "HEAD" or status in (204, 304))
        if (head.get("Connection") or "").lower() == "close" or body.kind == "close":
            self.connection.forget_upstream = True
        answer = Answer(status, head.fields, body)
        self.rewrite(answer)
        return answer

    def rewrite(self, answer):
        location = answer.get("Location")
        if location and 200 <= answer.status < 300:
            answer.set("Location", self.front.uploads.outward(
                self.method, self.repo, self.session, location))
        if self.front.chunk_min and self.method == "POST" and answer.status == 202:
            answer.set("OCI-Chunk-Min-Length", self.front.chunk_min)
