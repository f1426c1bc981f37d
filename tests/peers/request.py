"""One request to a server that misbehaves: read, answered, or what its fault plan says.

The three verbs that the actions of the fault plan are made of:
    obtain()   the answer that this request deserves (a refusal, a token, or the registry's own)
    relay()    tell the client an answer
    proceed()  both
"""
import traceback

import actions
import wire

DRAIN_MAX = 256 << 10        # unread body that is read to keep the connection, as Go's server does


class Request:
    """Whoever derives from it sets `entry` (in the record) and `verdict`, and can obtain()."""

    def __init__(self, front, stream, head, origin, connection):
        self.front, self.stream, self.head = front, stream, head
        self.origin = origin
        self.connection = connection
        self.method, self.target = head.first[0], head.first[1]
        self.body = wire.Body(stream, head)
        self.expects = (head.get("Expect") or "").lower() == "100-continue"
        self.keep = (head.get("Connection") or "").lower() != "close"
        self.abrupt = False
        self.linger = False

    def run(self):
        """True if the connection can carry another request."""
        try:
            rule = self.front.plan.pick(self)
            if rule:
                self.entry["rule"] = rule.id
                actions.perform(self, rule.action)
            else:
                self.proceed()
        except (OSError, wire.Gone) as error:
            self.entry["error"] = str(error) or type(error).__name__
            self.keep = False
        except Exception:
            # a peer with a bug must not look like a peer that misbehaves on request
            self.front.bugs.append(traceback.format_exc())
            raise
        finally:
            self.entry["body_bytes"] = self.body.taken
            self.front.record.close(self.entry)
        if self.linger and not self.abrupt:
            self.stream.linger()
        return self.keep

    def proceed(self):
        self.relay(self.obtain())

    # -- reading the client's body

    def read(self):
        if self.expects and not self.body.done:
            self.expects = False
            self.stream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        piece = self.body.read(self.front.bucket.piece())
        self.front.bucket.take(len(piece), self.front.wait)
        return piece

    def read_all(self):
        pieces = []
        while piece := self.read():
            pieces.append(piece)
        return b"".join(pieces)

    def read_some(self, size):
        """SIZE bytes of the body, thrown away; fewer if it ends before."""
        while size > self.body.taken and self.read():
            pass

    # -- answering

    def settle_request(self, answer):
        """Decide what becomes of a body that nobody read: drain it, or give the connection up."""
        if self.body.done:
            return
        left = DRAIN_MAX + 1 if self.body.length is None else self.body.length - self.body.taken
        if not self.expects and not self.abrupt and left <= DRAIN_MAX:
            while self.body.read():
                pass
            return
        self.keep = False
        self.linger = True
        answer.set("Connection", "close")

    def answer_head(self, answer):
        answer.remove("Keep-Alive", "Connection")
        self.settle_request(answer)
        if isinstance(answer.body, bytes) and self.method != "HEAD" and answer.status != 204:
            answer.set("Content-Length", len(answer.body))
        elif isinstance(answer.body, bytes) and not answer.get("Content-Length") \
                and answer.status != 204:
            answer.set("Content-Length", 0 if not answer.body else len(answer.body))
        reason = wire.REASONS.get(answer.status, "Status")
        return wire.Head(["HTTP/1.1", str(answer.status), reason], answer.headers).encode()

    def relay(self, answer):
        data = self.answer_head(answer)
        self.entry["status"] = answer.status
        if isinstance(answer.body, bytes):
            self.stream.send(data if self.method == "HEAD" or answer.status == 204
                             else data + answer.body)
            return
        self.stream.send(data)
        chunked = answer.body.kind == "chunked"
        while piece := answer.body.read():
            self.stream.send(wire.chunk(piece) if chunked else piece)
        if chunked:
            self.stream.send(wire.LAST_CHUNK)

    def reset(self):
        self.keep = False
        self.entry["status"] = "reset"
        self.stream.reset()

    def wait(self, seconds):
        self.front.wait(seconds)
        if self.front.closing.is_set():
            raise wire.Gone("the front is closing")
