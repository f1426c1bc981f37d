"""A token server whose JWTs docker-registry verifies by itself (RS256, x5c).

docker-registry grants 60 s of leeway on `exp`, so what tests of real expiry need is the front's
opaque tokens; this one proves that the dance works with a verifier that nobody here wrote.
"""
import base64
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import certs
from registry import ISSUER, SERVICE


class TokenServer:
    """Takes user/password by GET with Basic, and by POST if oauth2; refresh_token by POST.
    google: its living access tokens are passwords as well (googleauth)."""

    def __init__(self, folder, user="user", password="secret", life=300, oauth2=False,
                 refresh_token=None, grant=None, google=None):
        self.cert, key = certs.signing_pair(folder)
        self.key = key.read_text()
        der = x509.load_pem_x509_certificate(self.cert.read_bytes()).public_bytes(Encoding.DER)
        self.x5c = [base64.b64encode(der).decode()]
        self.user, self.password, self.life = user, password, life
        self.oauth2, self.refresh_token, self.grant = oauth2, refresh_token, grant
        self.google = google
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.answer_get(self)

            def do_POST(self):
                server.answer_post(self)

            def log_message(self, *_):
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}/token"

    def __enter__(self):
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()

    def answer_get(self, handler):
        query = parse_qs(urlsplit(handler.path).query)
        scheme, _, rest = handler.headers.get("Authorization", "").partition(" ")
        self.asked.append(("GET", scheme.lower() or None, query.get("scope", [])))
        if scheme.lower() != "basic" or not self.known_basic(rest):
            return self.reply(handler, 401, {"details": "incorrect username or password"})
        self.reply(handler, 200, self.token(query.get("scope", [])))

    def known_basic(self, text):
        try:
            user, _, password = base64.b64decode(text).decode().partition(":")
        except ValueError:
            return False
        return (user, password) == (self.user, self.password) or bool(
            self.google and self.google.credential(user, password))

    def answer_post(self, handler):
        data = handler.rfile.read(int(handler.headers.get("Content-Length", 0))).decode()
        form = {k: v[0] for k, v in parse_qs(data).items()}
        self.asked.append(("POST", form.get("grant_type"), form.get("scope", "").split()))
        if not self.oauth2:
            return self.reply(handler, 404, {})
        known = {"password": (form.get("username"), form.get("password")) == (self.user,
                                                                             self.password),
                 "refresh_token": self.refresh_token is not None
                 and form.get("refresh_token") == self.refresh_token}
        if not known.get(form.get("grant_type")) or not form.get("client_id"):
            return self.reply(handler, 401, {"details": "incorrect credential"})
        answer = self.token(form.get("scope", "").split())
        answer["access_token"] = answer.pop("token")
        self.reply(handler, 200, answer)

    def token(self, scopes):
        access = []
        for scope in (s for text in scopes for s in text.split()):
            kind, name, actions = scope.split(":")[0], scope.split(":", 1)[1].rpartition(":")[0], \
                scope.rpartition(":")[2].split(",")
            if self.grant:
                actions = [a for a in actions if self.grant(name, a)]
            access.append({"type": kind, "name": name, "actions": actions})
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": self.user, "aud": SERVICE, "exp": now + self.life,
                  "nbf": now - 5, "iat": now, "jti": uuid.uuid4().hex, "access": access}
        text = jwt.encode(claims, self.key, "RS256", headers={"x5c": self.x5c})
        return {"token": text, "expires_in": self.life}

    @staticmethod
    def reply(handler, status, data):
        body = json.dumps(data).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
