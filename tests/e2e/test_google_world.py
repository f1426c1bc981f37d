"""The peer that plays Google, over time: tokens die, metadata servers repeat them, registries take
them while they live, and everything can fail by the fault plan."""
import http.client
import time

import pytest

from conftest import skopeo
from google_peers import ask, basic
from googleauth import POSITIONS, Google, jose
from googleauth.names import (ACCESS_TOKEN_TYPE, ACCOUNT, CLIENT_ID, CLIENT_SECRET, CLOUD_PLATFORM,
                              EMAIL, KEY_ID, PROJECT, SCOPE)
from registry import Registry
from tokenserver import TokenServer

FLAVOR = {"Metadata_Flavor": "Google"}
METADATA = "/computeMetadata/v1"
TOKEN = f"{METADATA}/instance/service-accounts/default/token"


def issue(google, life=None, scopes=(CLOUD_PLATFORM,), kind="service-account"):
    return google.ledger.issue(kind, ACCOUNT, scopes, life)


def age(token, seconds):
    """Time passes for this token alone."""
    token.born -= seconds


# -- lives


def test_tokens_die(google):
    token = issue(google, 60)
    assert token.alive() and google.ledger.alive(token.text)
    age(token, 60)
    assert not token.alive() and google.ledger.alive(token.text) is None


def test_introspection(google):
    token = issue(google, 50, kind="federated")
    form = {"token": token.text, "token_type_hint": ACCESS_TOKEN_TYPE}
    login = {"Authorization": basic(CLIENT_ID, CLIENT_SECRET)}
    assert ask(google, "POST", "/v1/introspect", form)[0] == 401
    answer = ask(google, "POST", "/v1/introspect", form, **login)[2]
    assert answer["active"] and answer["username"] == ACCOUNT
    assert isinstance(answer["exp"], str) and 40 < int(answer["exp"]) - time.time() <= 50
    token.dead = True
    assert ask(google, "POST", "/v1/introspect", form, **login)[2] == {"active": False}


def test_tokeninfo(google):
    token = issue(google, 50)
    answer = ask(google, "POST", "/tokeninfo", {"access_token": token.text})[2]
    assert isinstance(answer["expires_in"], str) and 40 < int(answer["expires_in"]) <= 50
    assert answer["scope"] == CLOUD_PLATFORM
    federated = issue(google, kind="federated")
    token.dead = True
    for text in (token.text, federated.text, "ya29.unknown"):
        assert ask(google, "POST", "/tokeninfo", {"access_token": text})[0] == 400


@pytest.mark.parametrize("claim, told", [("life", 3599), ("text", "3599"), (None, None), (0, 0),
                                         ("soon", "soon")])
def test_claims(claim, told, google):
    google.ledger.claim = claim
    answer = ask(google, "GET", TOKEN, **FLAVOR)[2]
    assert answer.get("expires_in") == told and ("expires_in" in answer) == (told is not None)


def test_tokens_may_be_long(google):
    google.ledger.size = 12288
    assert len(ask(google, "GET", TOKEN, **FLAVOR)[2]["access_token"]) == 12288


# -- the metadata server


@pytest.mark.parametrize("headers, status", [
    ({}, 403), ({"Metadata_Flavor": "google"}, 403), ({"Metadata_Flavor": "Google"}, 200),
    ({"Metadata_Flavor": "Google", "X_Forwarded_For": "127.0.0.1"}, 403)])
def test_metadata_flavor(headers, status, google):
    got, answer, _ = ask(google, "GET", TOKEN, **headers)
    assert got == status and answer["Metadata-Flavor"] == "Google"
    google.metadata.flavor = None
    assert ask(google, "GET", TOKEN, **headers)[1]["Metadata-Flavor"] is None


@pytest.mark.parametrize("path, answer", [
    ("/project/project-id", PROJECT), ("/universe/universe-domain", "googleapis.com"),
    ("/instance/service-accounts/", f"default/\n{ACCOUNT}/\n"),
    ("/instance/service-accounts/default/email", ACCOUNT),
    ("/instance/service-accounts/default/scopes", f"{CLOUD_PLATFORM}\n{EMAIL}\n"),
    (f"/instance/service-accounts/{ACCOUNT}/?recursive=true",
     {"aliases": ["default"], "email": ACCOUNT, "scopes": [CLOUD_PLATFORM, EMAIL]})])
def test_metadata(path, answer, google):
    assert ask(google, "GET", METADATA + path, **FLAVOR)[2] == answer
    assert ask(google, "GET", METADATA + "/instance/nothing", **FLAVOR)[0] == 404
    assert ask(google, "POST", METADATA + path, **FLAVOR)[0] == 405


def test_metadata_without_an_account(google):
    google.metadata.account = google.metadata.universe = None
    assert ask(google, "GET", TOKEN, **FLAVOR)[0] == 404
    assert ask(google, "GET", METADATA + "/universe/universe-domain", **FLAVOR)[0] == 404
    assert ask(google, "GET", "/")[0] == 200


@pytest.mark.parametrize("ignored, query, granted", [
    (False, "", {CLOUD_PLATFORM, EMAIL}), (False, f"?scopes={CLOUD_PLATFORM}", {CLOUD_PLATFORM}),
    (False, f"?scopes={EMAIL},{SCOPE}drive", {EMAIL}), (True, f"?scopes={EMAIL}",
                                                        {CLOUD_PLATFORM, EMAIL})])
def test_metadata_scopes(ignored, query, granted, google):
    google.metadata.ignore_scopes = ignored
    token = ask(google, "GET", TOKEN + query, **FLAVOR)[2]["access_token"]
    assert google.ledger.find(token).scopes == granted
    assert ask(google, "GET", TOKEN + f"?scopes={SCOPE}drive", **FLAVOR)[0] == (
        200 if ignored else 404)


def metadata_token(google):
    answer = ask(google, "GET", TOKEN, **FLAVOR)[2]
    return google.ledger.find(answer["access_token"]), answer["expires_in"]


def test_metadata_repeats_a_token_until_its_end_is_near(google):
    google.metadata.first_left, google.metadata.repeat_until = 160, 60
    first, told = metadata_token(google)
    assert told == 160 and metadata_token(google)[0] is first
    age(first, 50)
    again, told = metadata_token(google)
    assert again is first and 60 < told <= 110
    age(first, 51)
    second, told = metadata_token(google)
    assert second is not first and first.alive() and told == 3599
    assert metadata_token(google)[0] is second


def test_metadata_fetches_the_next_token_in_the_background(google):
    google.metadata.first_left, google.metadata.background_s = 200, 60
    first, _ = metadata_token(google)
    assert metadata_token(google)[0] is first and first.left() < google.metadata.repeat_until
    google.metadata.background_s = 0
    assert metadata_token(google)[0] is not first


def test_metadata_has_no_dead_tokens(google):
    google.metadata.first_left, google.metadata.background_s = 60, 60
    first, _ = metadata_token(google)
    age(first, 60)
    assert metadata_token(google)[0] is not first


@pytest.mark.parametrize("how", ["reset", 503])
def test_metadata_is_not_there_yet(how, google):
    google.metadata.away_for(60, how)
    if how == "reset":
        with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
            metadata_token(google)
    else:
        assert ask(google, "GET", TOKEN, **FLAVOR)[0] == how
    google.metadata.away_for(0)
    assert metadata_token(google)[0].alive()


def test_nobody_listens_yet():
    """A port that is refused first and answered later: the first seconds of a pod."""
    with Google() as google:
        port = int(google.host.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        ask(google, "GET", TOKEN, **FLAVOR)
    with Google(port=port) as google:
        assert ask(google, "GET", TOKEN, **FLAVOR)[0] == 200


# -- the registry's side


def self_signed(**changes):
    now = int(time.time())
    return jose.sign(KEY_ID, {"iss": ACCOUNT, "sub": ACCOUNT, "iat": now, "exp": now + 3600,
                              "scope": CLOUD_PLATFORM, **changes}, kid=KEY_ID)


PASSWORDS = {
    "alive": lambda g: issue(g).text,
    "storage": lambda g: issue(g, scopes=[SCOPE + "devstorage.read_write"]).text,
    "self-signed": lambda g: self_signed(),
    "dead": lambda g: issue(g, 0).text,
    "scope": lambda g: issue(g, scopes=[EMAIL]).text,
    "unknown": lambda g: "ya29.c.unknown",
    "self-signed-old": lambda g: self_signed(iat=1, exp=3601),
    "self-signed-long": lambda g: self_signed(exp=int(time.time()) + 7200),
    "self-signed-scope": lambda g: self_signed(scope=EMAIL),
    "self-signed-aud": lambda g: self_signed(aud="https://artifactregistry.googleapis.com/"),
}
GOOD = ("alive", "storage", "self-signed")


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("user, known", [
    ("oauth2accesstoken", True), ("_token", True), ("_dcgcloud_token", True),
    ("_dcgcr_2_1_32_token", True), ("_dcgcr__token", False), ("user", False), ("", False)])
def test_registry_takes_living_tokens(user, known, password, google, make_front):
    front = make_front(google=google, secret=None)
    login = basic(user, PASSWORDS[password](google))
    status, _, answer = ask(front, "GET", "/v2/token?scope=repository:a/b:pull,push",
                            Authorization=login)
    if known and password in GOOD:
        assert status == 200 and answer["token"]
    else:
        assert status == 401
        assert answer["errors"][0]["message"] == "No valid credential was supplied."


@pytest.mark.parametrize("password", PASSWORDS)
def test_registry_takes_living_bearers(password, google, make_front):
    front = make_front(google=google, secret=None, direct=True)
    status, _, _ = ask(front, "GET", "/v2/",
                       Authorization=f"Bearer {PASSWORDS[password](google)}")
    assert status == (200 if password in GOOD else 401)


def push(front, image, repo, token):
    return skopeo("copy", "-q", "--dest-tls-verify=false", "--dest-creds", f"_token:{token.text}",
                  image.source("latest"), f"docker://{front.address}/{repo}:1")


def test_push_with_a_token_that_lives(google, make_front, registry, repo, image):
    front = make_front(google=google, secret=None)
    done = push(front, image, repo, issue(google))
    assert done.returncode == 0, done.stderr
    assert registry.problems(repo, "1") == []


def test_push_with_a_token_that_dies(google, make_front, registry, repo, image):
    """The registry's own token may die with the credential that it was made from."""
    front, token = make_front(google=google, secret=None, bound=True), issue(google)
    front.plan.add(at="manifest", action={"do": lambda e: [google.ledger.kill_tokens(),
                                                           e.front.gate.kill_tokens(),
                                                           e.relay(e.front.gate.refuse("bare"))]})
    assert push(front, image, repo, token).returncode == 1
    assert registry.storage.tag(repo, "1") is None
    assert push(front, image, repo, issue(google)).returncode == 0


def test_token_server_takes_living_tokens(google, tmp_path, image):
    with TokenServer(tmp_path, google=google) as tokens, \
            Registry(tmp_path / "r", "token", tokens=tokens) as real:
        assert push(real, image, "a/b", issue(google, 0)).returncode == 1
        assert push(real, image, "a/b", issue(google)).returncode == 0
        assert real.problems("a/b", "1") == []


# -- faults


REFRESH = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
           "refresh_token": "1//refresh-of-the-test"}


@pytest.mark.parametrize("action, status, answer", [
    ({"do": "oauth", "error": "invalid_grant", "error_subtype": "invalid_rapt"}, 400,
     {"error": "invalid_grant", "error_subtype": "invalid_rapt"}),
    ({"do": "oauth", "error": "server_error", "status": 500}, 500, {"error": "server_error"}),
    ({"do": "api", "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}, 429,
     {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}),
    ({"do": "answer", "status": 503, "headers": {"Retry-After": "1"}}, 503, ""),
    ({"do": "answer", "status": 200, "body": "{", "headers": {"Content-Type": "text/html"}}, 200,
     "{")])
def test_faults(action, status, answer, google):
    google.plan.add(at="token", action=action)
    assert ask(google, "POST", "/token", REFRESH)[::2] == (status, answer)
    assert ask(google, "POST", "/token", REFRESH)[0] == 200
    assert [e["rule"] is None for e in google.record.where("POST")] == [False, True]


@pytest.mark.parametrize("action", [{"do": "reset"}, {"do": "close"}, {"do": "stall", "seconds": 0},
                                    {"do": "raw", "text": "nonsense\r\n\r\n"},
                                    {"do": "cut", "bytes": 5, "fin": True}])
def test_broken_connections(action, google):
    google.plan.add(at="token", action=action)
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(google, "POST", "/token", REFRESH)
    assert ask(google, "POST", "/token", REFRESH)[0] == 200


def test_the_last_token_sticks(google):
    """A cache in front of the endpoint, which replays what is dead."""
    first = ask(google, "POST", "/token", REFRESH)[2]["access_token"]
    google.plan.add(at="token", action={"do": "pass", "kill": "tokens", "stick": 60})
    assert ask(google, "POST", "/token", REFRESH)[2]["access_token"] == first
    google.ledger.stick(0)
    assert ask(google, "POST", "/token", REFRESH)[2]["access_token"] != first


def test_every_position_is_a_route(google):
    targets = {"token": "/token", "tokeninfo": "/tokeninfo", "sts": "/v1/token",
               "oauthtoken": "/v1/oauthtoken", "introspect": "/v1/introspect",
               "impersonate": "/v1/projects/-/serviceAccounts/a@b:generateAccessToken",
               "oidc": "/oidc?audience=x", "imds": "/aws/creds", "metadata": METADATA + "/x",
               "metadata-token": TOKEN + "?scopes=a"}
    assert targets.keys() == POSITIONS.keys()
    for name, target in targets.items():
        google.plan.clear()
        google.plan.add(at=name, action={"do": "answer", "status": 418})
        method = POSITIONS[name][0].partition("|")[0]
        assert ask(google, "POST" if name == "tokeninfo" else method, target)[0] == 418
