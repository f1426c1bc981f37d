"""What a rule of the fault plan can do to a request.

Each action is a dict {"do": NAME, ...}; its other keys are the keyword arguments of the function of
that name below.  Any action may also carry "kill": "tokens" | "token" | "credentials" (before it
acts) and "stick": seconds (the token endpoint repeats its last, now dead token for so long).
"""
import functools
import hashlib
import json
import re
import time
import zlib

import absence
import wire
from answer import Answer

BESIDES = ("do", "kill", "stick")


def perform(exchange, action):
    gate = exchange.front.gate
    if action.get("kill") == "tokens":
        gate.kill_tokens()
    elif action.get("kill") == "credentials":
        gate.kill_credentials()
    elif action.get("kill") == "token" and exchange.verdict.token:
        exchange.verdict.token.dead = True
    if "stick" in action:
        gate.stick(action["stick"])
    if callable(action["do"]):
        return action["do"](exchange)
    arguments = {key: value for key, value in action.items() if key not in BESIDES}
    return ACTIONS[action["do"]](exchange, **arguments)


def retry_after(form):
    """'+3' as an HTTP date three seconds from now; everything else as it is."""
    if isinstance(form, str) and form.startswith("+"):
        when = time.gmtime(time.time() + int(form[1:]))
        return time.strftime("%a, %d %b %Y %H:%M:%S GMT", when)
    return str(form)


# -- plain answers


def proceed(exchange):
    exchange.proceed()


def answer(exchange, status, headers=None, body="", read_body=False, close=None, repeat=1):
    """STATUS without asking the registry.  close: "linger" or "abrupt" ends the connection.
    repeat: the body is so many times as long (for answers without an end in sight)."""
    if read_body:
        exchange.read_some(float("inf"))
    fields = [(k, retry_after(v) if k.lower() == "retry-after" else str(v))
              for k, v in (headers or {}).items()]
    exchange.abrupt = close == "abrupt"
    reply = Answer(status, fields, body.encode() * repeat)
    if close:
        exchange.keep = False
        reply.set("Connection", "close")
    exchange.relay(reply)
    if exchange.abrupt:
        # what the client still sends meets a closed socket, and the RST may overtake the answer
        exchange.stream.close()


def error(exchange, status, code, message, **more):
    answer(exchange, status, {"Content-Type": "application/json"},
           json.dumps({"errors": [{"code": code, "message": message}]}), **more)


def oauth(exchange, error, description="", status=400, **more):
    """An OAuth error: {"do": "oauth", "error": "invalid_grant", "error_subtype": ...}."""
    exchange.relay(Answer.oauth(error, description, status, **more))


def api(exchange, code, status, message):
    """A Google service's error: {"do": "api", "code": 403, "status": "PERMISSION_DENIED", ...}."""
    exchange.relay(Answer.api(code, status, message))


def refuse(exchange, shape, after=0, close=None):
    """A refusal of authentication (gate.SHAPES), after so many bytes of the body."""
    exchange.read_some(after)
    reply = exchange.front.gate.refuse(shape, exchange.verdict.scope)
    exchange.abrupt = close == "abrupt"
    exchange.relay(reply)
    if exchange.abrupt:
        exchange.keep = False
        exchange.stream.close()


# -- connections that break


def reset(exchange, after=0):
    """RST, once AFTER bytes of the body were read."""
    exchange.read_some(after)
    exchange.reset()


def close(exchange, after=0):
    """A polite FIN without an answer."""
    exchange.read_some(after)
    exchange.keep = False
    exchange.entry["status"] = "closed"
    exchange.stream.close()


def stall(exchange, seconds, after=0, then=None):
    """Silence: neither read nor answer for so long, then RST (or THEN, an action)."""
    exchange.read_some(after)
    exchange.wait(seconds)
    perform(exchange, then) if then else exchange.reset()


def delay(exchange, seconds):
    exchange.wait(seconds)
    exchange.proceed()


def after(exchange, then):
    """The registry does what was asked, but THEN is what the client sees."""
    reply = exchange.obtain()
    reply.held()
    exchange.entry["stored"] = reply.status
    perform(exchange, then)


def cut(exchange, bytes=None, head=None, fin=False):
    """The answer breaks off: after BYTES of its body, after HEAD bytes of its head, or if nothing
    is said in the middle: of the body, where there is one."""
    reply = exchange.obtain()
    body = reply.held() if exchange.method != "HEAD" else b""
    data = exchange.answer_head(reply)
    exchange.entry["status"] = reply.status
    if bytes is None and head is None:
        bytes, head = (len(body) // 2, None) if body else (None, len(data) // 2)
    exchange.stream.send(data[:head] if head is not None else data + body[:bytes or 0])
    exchange.keep = False
    exchange.stream.close() if fin else exchange.reset()


def away(exchange, seconds):
    """The true answer, the end of its connection, and then nobody listens for so long."""
    reply = exchange.obtain()
    body = reply.held() if exchange.method != "HEAD" else b""
    absence.leave(exchange.front, seconds)
    exchange.entry["status"] = reply.status
    exchange.keep = False
    data = exchange.answer_head(reply)
    exchange.stream.send(data[:-2] + b"Connection: close\r\n\r\n" + body)


def drip(exchange, pause=0.5, size=1):
    """Slow loris: the whole answer, SIZE bytes every PAUSE seconds."""
    reply = exchange.obtain()
    data = reply.held()
    data = exchange.answer_head(reply) + (b"" if exchange.method == "HEAD" else data)
    exchange.entry["status"] = reply.status
    for start in range(0, len(data), size):
        exchange.stream.send(data[start:start + size])
        exchange.wait(pause)


# What an answer without end is made of: (its beginning, what then comes again and again).
FLOODS = {
    "body": (b"Connection: close\r\nContent-Type: application/json\r\n\r\n", b" " * wire.PIECE),
    "headers": (b"", b"X-More: of the same\r\n" * (wire.PIECE // 22)),
    "header": (b"X-More: ", b"x" * wire.PIECE),
}


def flood(exchange, megabytes=1024, status=200, of="body"):
    """An answer that does not end where one of its kind should: a gigabyte where a kilobyte is due."""
    beginning, piece = FLOODS[of]
    exchange.keep = False
    exchange.entry["status"] = status
    exchange.stream.send(b"HTTP/1.1 %d X\r\n" % status + beginning)
    for _ in range(megabytes):
        exchange.stream.send(piece)
    exchange.stream.close()


@functools.cache
def packed_zeros(megabytes):
    packer = zlib.compressobj(1, wbits=31)
    return b"".join([packer.compress(bytes(1 << 20)) for _ in range(megabytes)] + [packer.flush()])


def bomb(exchange, megabytes=256, status=200):
    """A small answer that becomes a large one for whoever unpacks it."""
    exchange.relay(Answer(status, [("Content-Type", "application/json"),
                                   ("Content-Encoding", "gzip")], packed_zeros(megabytes)))


def hang_up(exchange, politely=False):
    """The true answer to a connection that was to be kept, and then the connection is gone."""
    exchange.proceed()
    exchange.keep = False
    exchange.stream.close() if politely else exchange.stream.reset()


def raw(exchange, text):
    """Exactly these bytes, HTTP or not, and the end of the connection."""
    exchange.keep = False
    exchange.entry["status"] = "raw"
    exchange.stream.send(text.encode("latin-1"))
    exchange.linger = True


# -- lies


def lie(exchange, status=201, headers=None):
    """A success that never was: the body is read and forgotten, the registry is not asked."""
    body = exchange.read_all() if "/manifests/" in exchange.target else exchange.read_some(1 << 60)
    fields = [("Docker-Distribution-Api-Version", "registry/2.0")]
    found = re.search(r"digest=(sha256[:%\w]+)|/(?:blobs|manifests)/(sha256:\w+)|mount=([^&]+)",
                      exchange.target)
    digest = next((g for g in found.groups() if g), "").replace("%3A", ":") if found else None
    if body:
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
    if digest:
        fields += [("Docker-Content-Digest", digest),
                   ("Location", f"/v2/{exchange.repo}/blobs/{digest}")]
    reply = Answer(status, fields)
    for key, value in (headers or {}).items():
        reply.set(key, value)
    exchange.relay(reply)


def vouch(exchange):
    """A blob is there, of the right size, whatever the registry has; who wants all its bytes gets
    the registry's own answer."""
    found = re.search(r"/blobs/(sha256:\w+)$", exchange.target)
    size = exchange.front.sizes.get(found.group(1)) if found else None
    if size is None:
        exchange.proceed()
    elif exchange.method == "HEAD":
        exchange.relay(Answer(200, [("Content-Length", str(size))]))
    elif exchange.head.get("Range"):
        exchange.relay(Answer(206, [("Content-Range", f"bytes 0-0/{size}")], b"x"))
    else:
        exchange.proceed()


def mutate(exchange):
    """Stores other bytes than the manifest that was sent, and vouches for the sent ones."""
    body = exchange.read_all()
    reply = exchange.obtain(body=body + b" ")
    reply.held()
    reply.set("Docker-Content-Digest", "sha256:" + hashlib.sha256(body).hexdigest())
    exchange.relay(reply)


def usurp(exchange):
    """Another writer moves the tag right after our PUT."""
    body = exchange.read_all()
    reply = exchange.obtain(body=body)
    reply.held()
    exchange.forward(body=body + b"\n").held()
    exchange.relay(reply)


def lose(exchange, what="layer"):
    """Stored and acknowledged; then the registry loses a blob (what: layer, config) of it."""
    body = exchange.read_all()
    reply = exchange.obtain(body=body)
    reply.held()
    manifest = json.loads(body)
    lost = manifest["config"] if what == "config" else manifest["layers"][-1]
    exchange.front.delete_upstream(f"/v2/{exchange.repo}/blobs/{lost['digest']}")
    exchange.relay(reply)


def headers(exchange, set=None, remove=(), status=None):
    """The true answer with other headers, or another status."""
    reply = exchange.obtain()
    reply.remove(*remove)
    for key, value in (set or {}).items():
        reply.set(key, value)
    if "content-length" in (name.lower() for name in remove) and exchange.method == "HEAD":
        # a HEAD answer without a length: answer_head() would put it back
        exchange.entry["status"] = reply.status
        data = exchange.answer_head(reply)
        exchange.stream.send(re.sub(rb"(?i)content-length: [^\r]*\r\n", b"", data))
        return
    reply.status = status or reply.status
    if reply.status == 204:
        reply.held()
        reply.remove("Content-Length")
        reply.body = b""
    exchange.relay(reply)


def corrupt(exchange, byte=0):
    """The true answer with one byte of its body flipped."""
    reply = exchange.obtain()
    data = bytearray(reply.held())
    if data:
        data[byte % len(data)] ^= 0x20
    reply.body = bytes(data)
    exchange.relay(reply)


# -- time, places


def late(exchange, seconds, old=False):
    """A manifest PUT that readers see only after so long; till then 404, or what was there."""
    exchange.front.veil.wish(exchange, seconds, old)
    exchange.proceed()


def redirect(exchange, status=307, to="other", path=None):
    """To the same path at the other origin (to="other"), here ("self"), or to the URL in TO."""
    bases = {"other": exchange.front.other_url, "self": exchange.front.url}
    where = bases[to] + (path or exchange.target) if to in bases else to
    exchange.relay(Answer(status, [("Location", where)]))


def nomount(exchange):
    """Opens a normal upload in answer to a mount."""
    exchange.relay(exchange.obtain(target=exchange.target.partition("?")[0]))


ACTIONS = {"pass": proceed, **{f.__name__: f for f in (
    answer, error, oauth, api, refuse, reset, close, stall, delay, after, cut, away, drip, flood,
    bomb, hang_up, raw, lie, vouch, mutate, usurp, lose, headers, corrupt, late, redirect,
    nomount)}}
