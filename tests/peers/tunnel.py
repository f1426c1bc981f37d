"""A small HTTP proxy: CONNECT for https, absolute URLs for http.  Records whom it was asked for."""
import select
import socket
import threading
from urllib.parse import urlsplit


def pump(one, other):
    pairs = {one: other, other: one}
    while pairs:
        ready, _, _ = select.select(list(pairs), [], [], 30)
        if not ready:
            return
        for sock in ready:
            data = sock.recv(1 << 16)
            if not data:
                return
            pairs[sock].sendall(data)


class Tunnel:
    """Every name leads to TARGET, an address on loopback: as if it were the registry's.  The first
    STUMBLES requests are answered with 503."""

    def __init__(self, target, stumbles=0):
        self.target = target
        self.stumbles = stumbles
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.asked = []

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with sock:
            try:
                self.relay(sock)
            except OSError:
                pass

    def relay(self, sock):
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(4096)
            if not data:
                return
            head += data
        if self.stumbles > 0:
            self.stumbles -= 1
            return sock.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                b"Connection: close\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        host, port = self.target.split(":")
        with socket.create_connection((host, int(port)), 10) as upstream:
            if method == "CONNECT":
                self.asked.append(("CONNECT", target))
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                url = urlsplit(target)
                self.asked.append((method, url.netloc))
                path = url.path + ("?" + url.query if url.query else "")
                upstream.sendall(head.replace(target.encode(), path.encode(), 1)
                                 .replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            pump(sock, upstream)
