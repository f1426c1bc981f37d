"""A TCP relay in front of a peer, on a port of its own: the network between us and a server.

It knows nothing of HTTP.  While it is shut connections are refused; a frozen connection stays open
and nothing passes in either direction, as behind a router that has lost its table.
"""
import select
import socket
import threading

import wire


class Relay:
    """To TARGET ("host:port").  RESETS: so many connections end with a RST at their first bytes."""

    def __init__(self, target, resets=0):
        host, port = target.split(":")
        self.target = host, int(port)
        self.resets = resets
        self.accepted = 0
        self.lock = threading.Lock()
        self.streams = set()
        self.frozen = set()
        self.freezes_new = False
        self.closed = threading.Event()
        self.sock = self.bound(0)
        self.port = self.sock.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.closed.set()
        self.cut()
        self.close(self.sock)

    # -- what a test does to it

    def shut(self):
        """From now on connections are refused; those that are open are cut."""
        self.close(self.sock)
        self.sock = self.bound(self.port)    # it stays ours; who does not listen refuses
        self.cut()

    def open(self):
        if self.closed.is_set():
            return
        self.sock.listen(128)
        threading.Thread(target=self.accept, args=(self.sock,), daemon=True).start()

    def shut_for(self, seconds):
        """As an action of a rule: the request that met it is cut like all others."""
        def action(exchange):
            self.shut()
            threading.Timer(seconds, self.open).start()
            exchange.proceed()
        return action

    def freeze(self, new=False):
        """The connections that are open (and, if wanted, all new ones) are heard of no more."""
        with self.lock:
            self.frozen |= self.streams
            self.freezes_new = new

    def thaw(self):
        self.freezes_new = False

    def cut(self):
        with self.lock:
            streams = list(self.streams)
        for stream in streams:
            stream.reset()

    # -- the relay

    @staticmethod
    def bound(port):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        return sock

    @staticmethod
    def close(sock):
        try:
            sock.shutdown(socket.SHUT_RDWR)      # wakes the thread in accept()
        except OSError:
            pass
        sock.close()

    def accept(self, sock):
        while True:
            try:
                client, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(wire.Stream(client),), daemon=True).start()

    def serve(self, client):
        with self.lock:
            self.accepted += 1
            self.streams.add(client)
            if self.freezes_new:
                self.frozen.add(client)
        try:
            self.pump(client)
        except (OSError, ValueError):
            pass
        finally:
            client.close()
            with self.lock:
                self.streams.discard(client)
                self.frozen.discard(client)

    def pump(self, client):
        upward = wire.connect(*self.target)
        pairs = {client.sock: upward.sock, upward.sock: client.sock}
        try:
            while not self.closed.is_set():
                if client in self.frozen:
                    self.closed.wait(0.1)
                    continue
                ready, _, _ = select.select(list(pairs), [], [], 0.1)
                for sock in ready:
                    data = sock.recv(1 << 16)
                    if self.wants_reset():
                        return client.reset()
                    if not data:
                        return None
                    if client not in self.frozen:
                        pairs[sock].sendall(data)
        finally:
            upward.close()
        return None

    def wants_reset(self):
        with self.lock:
            self.resets -= 1
            return self.resets >= 0
