"""An API server of two sentences, over TLS, that writes down who asked it; and a proxy that does."""
import http.server
import json
import select
import socket
import ssl
import threading

VERSION = {"major": "1", "minor": "33", "gitVersion": "v1.33.1"}
SHOWN = ("authorization", "impersonate-user", "impersonate-uid", "impersonate-group")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.split("?")[0].endswith("/version"):
            self.server.recorder.note(self)
        shown = self.headers.get("Authorization", "")
        if shown in self.server.recorder.refused:
            return self.answer(401, {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                                     "message": "Unauthorized", "reason": "Unauthorized",
                                     "code": 401})
        return self.answer(200, VERSION)

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Recorder:
    """Listens on ADDRESS; PAIR (cert, key) makes it TLS, AUTHORITY lets clients show certificates."""

    def __init__(self, pair=None, authority=None):
        self.entries, self.names, self.refused = [], [], set()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.recorder = self
        self.port = self.server.server_address[1]
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
            context.sni_callback = lambda sock, name, _: self.names.append(name)
            if authority:
                context.verify_mode = ssl.CERT_OPTIONAL
                context.load_verify_locations(authority)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.scheme = "https" if pair else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def note(self, handler):
        sock, certificate = handler.connection, None
        if isinstance(sock, ssl.SSLSocket) and sock.getpeercert():
            certificate = dict(sum(sock.getpeercert()["subject"], ()))["commonName"]
        headers = sorted((name.lower(), value) for name, value in handler.headers.items()
                         if name.lower() in SHOWN or name.lower().startswith("impersonate-extra-"))
        self.entries.append({"path": handler.path.split("?")[0], "headers": headers, "certificate": certificate,
                             "name": self.names[-1] if self.names else None,
                             "host": handler.headers.get("Host")})

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Proxy:
    """CONNECT, by HTTP or by SOCKS5; where it was asked to go is in PLACES."""

    def __init__(self, target, socks=False):
        self.target, self.socks, self.places = target, socks, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            self.open.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            place = self.greet_socks(client) if self.socks else self.greet_http(client)
            self.places.append(place)
            server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            self.open.append(server)
            self.pump(client, server)
        except (OSError, ValueError, IndexError):
            pass
        finally:
            client.close()

    @staticmethod
    def greet_http(client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        return head.split()[1].decode()

    @staticmethod
    def greet_socks(client):
        client.recv(2 + client.recv(2, socket.MSG_PEEK)[1])
        client.sendall(b"\x05\x00")
        request = client.recv(512)
        client.sendall(b"\x05\x00\x00\x01" + b"\x00" * 6)
        if request[3] == 3:
            name = request[5:5 + request[4]].decode()
        else:
            name = socket.inet_ntoa(request[4:8])
        return f"{name}:{int.from_bytes(request[-2:], 'big')}"

    @staticmethod
    def pump(a, b):
        while True:
            for ready in select.select([a, b], [], [], 10)[0] or [None]:
                data = ready.recv(65536) if ready else b""
                if not data:
                    return
                (b if ready is a else a).sendall(data)

    def close(self):
        self.listener.close()
        for sock in self.open:
            sock.close()
