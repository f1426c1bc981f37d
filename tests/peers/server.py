"""A loopback server that misbehaves on request: connections, the fault plan, the record.

What one request is worth is the business of an Exchange (exchange.py); the registry's front and
Google's endpoints are Servers with Exchanges of their own.
"""
import threading

import wire
from record import Bucket, Record

CONNECTIONS_MAX = 256
IDLE_S = 120


class Connection:
    def __init__(self, server, stream, number):
        self.server, self.stream, self.number = server, stream, number

    def close(self):
        self.stream.close()


class Server:
    """ORIGINS: one listening address for each name.  RATE: bytes per second of all request bodies
    together.  TLS: (cert, key[, client CA]).  PORT: for the first origin; 0 is any free one."""
    connection_class, exchange_class = Connection, None

    def __init__(self, plan, origins=("front",), rate=0, tls=None, log=None, port=0):
        self.plan = plan
        self.record = Record(log)
        self.bucket = Bucket(rate)
        self.closing = threading.Event()
        self.wait = self.closing.wait
        self.connections = set()
        self.bugs = []
        self.numbers = 0
        self.lock = threading.Lock()
        # a slow link whose kernel swallows megabytes at once would not be felt by the sender
        small = 64 << 10 if rate else 0
        self.listeners = {name: wire.listen(small, 0 if i else port)
                          for i, name in enumerate(origins)}
        self.addresses = {name: f"127.0.0.1:{sock.getsockname()[1]}"
                          for name, sock in self.listeners.items()}
        self.tls = tls
        self.context = wire.server_context(*tls) if tls else None
        self.scheme = "https" if tls else "http"
        self.url = f"{self.scheme}://{self.addresses[origins[0]]}"

    def __enter__(self):
        for origin, listener in self.listeners.items():
            threading.Thread(target=self.accept, args=(origin, listener), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        for listener in self.listeners.values():
            # shutdown wakes the thread in accept(); close alone would leave it there
            try:
                listener.shutdown(2)
            except OSError:
                pass
            listener.close()
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            connection.close()

    def accept(self, origin, listener):
        while not self.closing.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if len(self.connections) >= CONNECTIONS_MAX:
                sock.close()
                continue
            threading.Thread(target=self.serve, args=(origin, sock), daemon=True).start()

    def serve(self, origin, sock):
        sock.settimeout(IDLE_S)
        is_local = sock.family == wire.socket.AF_UNIX
        if not is_local:
            sock.setsockopt(wire.socket.IPPROTO_TCP, wire.socket.TCP_NODELAY, 1)
        connection = None
        try:
            if self.context and not is_local:
                sock = self.context.wrap_socket(sock, server_side=True)
            with self.lock:
                self.numbers += 1
                connection = self.connection_class(self, wire.Stream(sock), self.numbers)
                self.connections.add(connection)
            while data := connection.stream.head_bytes():
                head = wire.Head.parse(data)
                if not self.exchange_class(self, connection.stream, head, origin,
                                           connection).run():
                    break
        except (OSError, wire.Gone):
            pass
        finally:
            sock.close()
            if connection:
                connection.close()
                with self.lock:
                    self.connections.discard(connection)
