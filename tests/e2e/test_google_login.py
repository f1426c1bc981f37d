"""Google's credentials without Google's tools: files, gcloud's own login, impersonation.

The endpoints are played here; what the program signs is checked by a library that nobody here wrote, and its tokens
are taken by the front only as long as they live.
"""
import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import images
from conftest import USER, assert_landed, assert_told_once

EMAIL = "emu@p.iam.gserviceaccount.com"
TARGET = "target@p.iam.gserviceaccount.com"
AUDIENCE = "https://oauth2.googleapis.com/token"
NO_CREDENTIAL, USAGE = 22, 2


class Google:
    """Mints tokens that GATE then takes for LIFE seconds, and remembers who was asked for what."""

    def __init__(self, gate, life=3600):
        self.gate, self.life = gate, life
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked, self.minted, self.faults = [], 0, []
        google = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, answer = google.answer(self.path, self.headers, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()

    def answer(self, path, headers, body):
        if self.faults:
            return self.faults.pop(0)
        self.asked.append(path)
        if path.endswith(":generateAccessToken"):
            if headers["Authorization"] != "Bearer ya29.own":
                return 401, {"error": {"status": "UNAUTHENTICATED", "message": "who?"}}
            return 200, {"accessToken": self.mint(), "expireTime": self.moment()}
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if "assertion" in form:
            try:
                jwt.decode(form["assertion"], self.key.public_key(), ["RS256"], audience=AUDIENCE)
            except jwt.InvalidTokenError as error:
                return 400, {"error": "invalid_grant", "error_description": str(error)}
        elif form.get("refresh_token") == "1//own":
            return 200, {"access_token": "ya29.own", "expires_in": 3599}
        return 200, {"access_token": self.mint(), "expires_in": self.life}

    def mint(self):
        self.minted += 1
        token = f"ya29.{self.minted}." + "x" * 1000
        self.gate.allow(USER, token, self.life)
        return token

    def moment(self):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.life))

    def key_file(self):
        pem = self.key.private_bytes(serialization.Encoding.PEM,
                                     serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()).decode()
        return {"type": "service_account", "client_email": EMAIL, "private_key_id": "kid",
                "private_key": pem, "token_uri": f"{self.url}/token"}

    def user_file(self, refresh_token="1//user"):
        return {"type": "authorized_user", "client_id": "cid", "client_secret": "csec",
                "refresh_token": refresh_token, "token_uri": f"{self.url}/token"}


@pytest.fixture
def make_google():
    running = []

    def make(*args, **settings):
        running.append(Google(*args, **settings))
        return running[-1]

    yield make
    for google in running:
        google.close()


@pytest.fixture
def front(make_front):
    """Takes only what was minted: its tokens die with the credential they were bought with."""
    return make_front(secret=None, bound=True)


def write(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def ref(front, repo):
    return f"{front.address}/{repo}:1"


def jwt_of(life):
    part = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + life}).encode()).decode()
    return f"e30.{part.rstrip('=')}.c2ln"


@pytest.mark.parametrize("way", ["file", "named", "well-known"])
def test_service_account(way, landed, front, make_google, registry, repo, image, tmp_path):
    google = make_google(front.gate)
    path = {"well-known": landed.home / ".config/gcloud/application_default_credentials.json"}
    path = write(path.get(way, tmp_path / "sa.json"), google.key_file())
    env = {"GOOGLE_APPLICATION_CREDENTIALS": str(path)} if way == "named" else {}
    word = f"adc:{path}" if way == "file" else "adc"
    done = landed("push", image.source(), ref(front, repo), "--cred", word, "-v", env=env)
    assert_landed(done, registry, repo, "1", image.digest)
    assert google.asked == ["/token"] * 2  # one for the push, a fresh one for the proof
    assert EMAIL in done.err and "ya29." not in done.err and "PRIVATE KEY" not in done.err


def test_tokens_that_die_in_the_middle(landed, front, make_google, registry, repo, tmp_path):
    """Two seconds a token, a push of eight: what was minted is renewed, again and again."""
    google = make_google(front.gate, life=2)
    front.bucket.rate = 400_000
    path = write(tmp_path / "sa.json", google.key_file())
    made = images.single(tmp_path / "layout", size=3_000_000, layers=6)
    done = landed("push", made.source(), ref(front, repo), "--cred", f"adc:{path}")
    assert_landed(done, registry, repo, "1", made.digest)
    assert google.minted >= 3


def test_endpoint_that_is_away(landed, front, make_google, registry, repo, image, tmp_path):
    google = make_google(front.gate)
    google.faults = [(503, {}), (500, {}), (400, {"error": "internal_failure"}), (429, {})]
    path = write(tmp_path / "sa.json", google.key_file())
    done = landed("push", image.source(), ref(front, repo), "--cred", f"adc:{path}")
    assert_landed(done, registry, repo, "1", image.digest)
    assert not google.faults


def test_gcloud_login(landed, front, make_google, registry, repo, image):
    google = make_google(front.gate)
    config = landed.home / ".config/gcloud"
    write(config / "legacy_credentials/me@x.example/adc.json", google.user_file())
    (config / "configurations").mkdir()
    (config / "configurations/config_work").write_text("[core]\naccount = me@x.example\n")
    (config / "active_config").write_text("work")
    done = landed("push", image.source(), ref(front, repo), "--cred", "gcloud", "-v")
    assert_landed(done, registry, repo, "1", image.digest)
    assert "me@x.example" in done.err


def test_impersonation(landed, front, make_google, registry, repo, image, tmp_path):
    google = make_google(front.gate)
    path = write(tmp_path / "user.json", google.user_file("1//own"))
    env = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": google.url}
    done = landed("push", image.source(), ref(front, repo), "--cred", f"adc:{path}",
                  "--impersonate", TARGET, env=env)
    assert_landed(done, registry, repo, "1", image.digest)
    place = f"/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
    assert google.asked == ["/token", place] * 2


def test_impersonation_is_never_dropped(landed, front, repo, image):
    done = landed("push", image.source(), ref(front, repo), "--impersonate", TARGET, "--cred",
                  "docker-config")
    assert done.code == USAGE, str(done)
    assert_told_once(done)
    # without a source: Google's login or none, never the stored one or nobody's
    done = landed("push", image.source(), ref(front, repo), "--impersonate", TARGET)
    assert done.code == NO_CREDENTIAL, str(done)
    assert_told_once(done)


def test_a_named_file_that_is_broken_is_no_reason_to_go_on(landed, front, repo, image, tmp_path):
    landed.write_docker_config({"auths": {front.address: {"auth": "dTpw"}}})
    env = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "gone.json")}
    done = landed("push", image.source(), ref(front, repo), "--cred", "adc", "--cred",
                  "docker-config", env=env)
    assert done.code == NO_CREDENTIAL, str(done)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in done.err
    assert_told_once(done)


def test_login_that_is_over(landed, front, make_google, repo, image, tmp_path):
    google = make_google(front.gate)
    google.faults = [(400, {"error": "invalid_grant", "error_subtype": "invalid_rapt",
                            "error_description": "reauth related error (invalid_rapt)"})] * 9
    path = write(tmp_path / "user.json", google.user_file())
    done = landed("push", image.source(), ref(front, repo), "--cred", f"adc:{path}")
    assert done.code == NO_CREDENTIAL, str(done)
    assert "invalid_rapt" in done.err and "gcloud auth" in done.err
    assert len(google.faults) == 8  # asked once
    assert_told_once(done)


def test_token_that_will_not_live(landed, front, registry, repo, image):
    """--min-token-life: refused before anything is sent; the same token will do without it."""
    token = jwt_of(120)
    front.gate.allow(USER, token)
    args = ("push", image.source(), ref(front, repo), "--cred", "gcloud")
    env = {"CLOUDSDK_AUTH_ACCESS_TOKEN": token}
    done = landed(*args, "--min-token-life", "10m", env=env)
    assert done.code == NO_CREDENTIAL, str(done)
    assert "--min-token-life" in done.err and "CLOUDSDK_AUTH_ACCESS_TOKEN" in done.err
    assert token not in done.err
    assert front.record.count("POST") == front.record.count("PUT") == 0
    assert_told_once(done)
    assert_landed(landed(*args, "--min-token-life", "1m", env=env), registry, repo, "1",
                  image.digest)
