"""HTTP/1.1 messages on plain sockets.

http.server and http.client hide exactly what a misbehaving peer needs: when a body is read, when
100 Continue goes out, how a connection ends.  So messages are framed here by hand, and strictly.
Nothing in this file knows of registries.
"""
import select
import socket
import ssl
import struct
import time

PIECE = 1 << 20          # one read or write of a body: big enough that Python is not the bottleneck
HEAD_MAX = 64 << 10
LINGER_S = 1.0           # how long a refused sender may go on before its connection is cut

REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently",
           302: "Found", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           413: "Content Too Large", 416: "Range Not Satisfiable", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


class Gone(Exception):
    """The other side closed, or sent what is not HTTP."""


class Stream:
    """A socket and what was read from it too early."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray()

    def head_bytes(self):
        """Everything up to and with the empty line; b"" if the peer closed in between messages."""
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end >= 0:
                head = bytes(self.buffer[:end + 4])
                del self.buffer[:end + 4]
                return head
            if len(self.buffer) > HEAD_MAX:
                raise Gone("head too long")
            data = self.sock.recv(HEAD_MAX)
            if not data:
                if self.buffer:
                    raise Gone("closed inside a head")
                return b""
            self.buffer += data
            if self.buffer[0] == 0x16:
                # a TLS hello on a plain port: waiting for its empty line would hang the client
                raise Gone("TLS on a plain port")

    def line(self):
        while b"\r\n" not in self.buffer:
            data = self.sock.recv(HEAD_MAX)
            if not data or len(self.buffer) > HEAD_MAX:
                raise Gone("closed inside a line")
            self.buffer += data
        line, _, rest = bytes(self.buffer).partition(b"\r\n")
        self.buffer[:] = rest
        return line

    def some(self, most):
        """At least one and at most MOST bytes; b"" at the end."""
        if self.buffer:
            data = bytes(self.buffer[:most])
            del self.buffer[:most]
            return data
        return self.sock.recv(min(most, PIECE))

    def send(self, data):
        self.sock.sendall(data)

    def is_stale(self):
        """True if either side of an idle connection has closed it, or the peer said something unasked."""
        if self.sock.fileno() < 0:
            return True
        return bool(self.buffer) or bool(select.select([self.sock], [], [], 0)[0])

    def reset(self):
        """End with RST: the peer loses what it had not read yet."""
        try:
            raw = self.sock
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # detach(), because closing a TLS socket would say goodbye politely
            socket.socket(fileno=raw.detach()).close()
        except OSError:
            pass

    def linger(self):
        """Close so that the peer can still read our last answer although it is sending."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + LINGER_S
            while time.monotonic() < deadline:
                self.sock.settimeout(max(0.01, deadline - time.monotonic()))
                if not self.sock.recv(PIECE):
                    break
        except (OSError, ValueError):
            pass
        self.close()

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


class Head:
    """First line and header fields of a message, in their order."""

    def __init__(self, first, fields=()):
        self.first = list(first)
        self.fields = list(fields)

    @classmethod
    def parse(cls, data):
        lines = data.decode("latin-1").split("\r\n")[:-2]
        first = lines[0].split(" ", 2)
        if len(first) < 2:
            raise Gone("not HTTP")
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise Gone("bad header line")
            fields.append((name, value.strip()))
        return cls(first, fields)

    def get(self, name, default=None):
        for key, value in self.fields:
            if key.lower() == name.lower():
                return value
        return default

    def remove(self, *names):
        gone = {name.lower() for name in names}
        self.fields = [(k, v) for k, v in self.fields if k.lower() not in gone]

    def set(self, name, value):
        self.remove(name)
        self.fields.append((name, str(value)))

    def encode(self):
        lines = [" ".join(self.first)] + [f"{k}: {v}" for k, v in self.fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Body:
    """The body that follows HEAD on STREAM, pulled piece by piece and never held whole."""

    def __init__(self, stream, head, none=False, until_close=False):
        self.stream = stream
        self.taken = 0
        self.length = None
        self.chunk_left = 0
        coding = (head.get("Transfer-Encoding") or "").lower()
        length = head.get("Content-Length")
        if none:
            self.kind = "none"
        elif "chunked" in coding:
            self.kind = "chunked"
        elif length is not None:
            self.kind, self.length = "length", int(length)
        else:
            self.kind = "close" if until_close else "none"
        self.done = self.kind == "none" or self.length == 0

    def read(self, most=PIECE):
        """The next piece, b"" at the end; raises Gone if the sender stopped too early."""
        if self.done:
            return b""
        if self.kind == "chunked":
            return self._read_chunked(most)
        if self.kind == "length":
            most = min(most, self.length - self.taken)
        data = self.stream.some(most)
        self.taken += len(data)
        if not data:
            self.done = True
            if self.kind == "length":
                raise Gone(f"body ended after {self.taken} of {self.length} bytes")
        elif self.kind == "length" and self.taken == self.length:
            self.done = True
        return data

    def _read_chunked(self, most):
        if not self.chunk_left:
            self.chunk_left = int(self.stream.line().split(b";")[0], 16)
            if not self.chunk_left:
                while self.stream.line():
                    pass
                self.done = True
                return b""
        data = self.stream.some(min(most, self.chunk_left))
        if not data:
            raise Gone("body ended inside a chunk")
        self.chunk_left -= len(data)
        self.taken += len(data)
        if not self.chunk_left:
            self.stream.line()
        return data

    def rest(self, limit=64 << 20):
        """All that is left; for manifests and other small things only."""
        pieces, size = [], 0
        while piece := self.read():
            size += len(piece)
            if size > limit:
                raise Gone("body too long to hold")
            pieces.append(piece)
        return b"".join(pieces)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def listen(rcvbuf=0, port=0):
    """A listening socket on loopback; port 0 is any free one."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)      # see absence.py
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.bind(("127.0.0.1", port))
    sock.listen(128)
    return sock


def listen_local(path):
    """A listening socket of this machine, at PATH."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen(128)
    return sock


def connect(host, port, context=None, timeout=60):
    sock = socket.create_connection((host, port), timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context:
        sock = context.wrap_socket(sock, server_hostname=host)
    return Stream(sock)


def server_context(cert, key, client_ca=None):
    """TLS as a server; with CLIENT_CA, a client must show a certificate that it signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
