"""What goes wrong where Google's tokens are made: what passes is waited for, what does not is told
within seconds, in the endpoint's words; and a login that is broken is never a reason to be nobody.
"""
import threading

import pytest

from conftest import assert_landed, assert_told_once
from googleauth import Google
from googleauth.files import Files
from googleauth.names import ACCOUNT
from test_google_push import WAYS, assert_no_secret, by_file, environment

NO_CREDENTIAL = 22

# One way through each of the endpoints: where it is asked, as googleauth.POSITIONS says.
ENDPOINTS = {"service-account": "token", "authorized-user": "token", "external-file": "sts",
             "external-url": "oidc", "external-aws": "imds", "impersonated": "impersonate",
             "workforce-user": "oauthtoken", "metadata": "metadata-token"}

PASSING = {
    "503": (2, {"do": "api", "code": 503, "status": "UNAVAILABLE", "message": "try again"}),
    "429": (2, {"do": "answer", "status": 429, "headers": {"Retry-After": "1"}}),
    "server-error": (1, {"do": "oauth", "error": "server_error", "status": 500}),
    "hanging": (1, {"do": "stall", "seconds": 15}),
    "reset": (2, {"do": "reset"}),
    "nonsense": (1, {"do": "raw", "text": "nonsense\r\n\r\n"}),
    "cut": (1, {"do": "cut", "bytes": 20, "fin": True}),
}


@pytest.fixture
def front(google, make_front):
    return make_front(google=google, secret=None, bound=True)


@pytest.fixture
def push(landed, front, repo, image):
    def run(options, env, *more):
        return landed("push", image.source(), f"{front.address}/{repo}:1", *options, *more, env=env)
    return run


def assert_nothing_was_sent(front):
    """No upload and no question for a token by nobody: the registry saw a ping at most."""
    assert front.record.count("POST") == front.record.count("PUT") == 0
    assert front.record.count("GET", "^/v2/token") == 0


@pytest.mark.parametrize("fault", [
    pytest.param(fault, marks=pytest.mark.long) if fault == "hanging" else fault
    for fault in PASSING])
@pytest.mark.parametrize("way", ENDPOINTS)
def test_passing_fault(way, fault, push, google, files, registry, repo, image):
    options, env = WAYS[way](google, files)
    google.ledger.life = 3599
    times, action = PASSING[fault]
    rule = google.plan.add(at=ENDPOINTS[way], times=times, action=action)
    done = push(options, env)
    assert_landed(done, registry, repo, "1", image.digest)
    assert rule.fired == times
    assert_no_secret(google, done.out, done.err)


@pytest.mark.parametrize("way", ["impersonated-user", "external-url-impersonated"])
def test_source_token_that_dies_on_its_way(way, push, google, files, registry, repo, image):
    options, env = WAYS[way](google, files)
    google.plan.add(at="impersonate", action={"do": "pass", "kill": "token"})
    done = push(options, env)
    assert_landed(done, registry, repo, "1", image.digest)
    assert google.record.count("POST", ":generateAccessToken$", status=401) == 1


def test_endpoint_that_comes_late(landed, make_front, registry, repo, image, tmp_path):
    """Nobody listens there for some seconds."""
    with Google() as google:
        port = int(google.host.rpartition(":")[2])
        path = Files(google, tmp_path / "files").service_account()
    front, late = make_front(secret=None), []

    def come():
        late.append(Google(port=port).__enter__())
        front.gate.google = late[0]

    timer = threading.Timer(3, come)
    timer.start()
    done = landed("push", image.source(), f"{front.address}/{repo}:1", *by_file(path)[0],
                  env=by_file(path)[1])
    timer.join()
    late[0].__exit__()
    assert_landed(done, registry, repo, "1", image.digest)


INVALID_RAPT = {"do": "oauth", "error": "invalid_grant", "error_subtype": "invalid_rapt",
                "description": "reauth related error (invalid_rapt)"}
REVOKED = {"do": "oauth", "error": "invalid_grant",
           "description": "Token has been expired or revoked."}
DENIED = {"do": "api", "code": 403, "status": "PERMISSION_DENIED",
          "message": "Permission 'iam.serviceAccounts.getAccessToken' denied on resource"}
TOO_LONG = {"do": "api", "code": 400, "status": "INVALID_ARGUMENT",
            "message": "The access token lifetime cannot exceed 3600 seconds."}

# way, position, what is answered, the words and the hint that are owed
LASTING = [
    ("authorized-user", "token", INVALID_RAPT, "invalid_rapt", "gcloud auth"),
    ("authorized-user", "token", REVOKED, "expired or revoked", ""),
    ("service-account", "token", REVOKED, "expired or revoked", ""),
    ("workforce-user", "oauthtoken", REVOKED, "expired or revoked", ""),
    ("external-url", "sts", REVOKED, "expired or revoked", ""),
    ("external-url", "oidc", {"do": "answer", "status": 401}, "401", ""),
    ("external-aws", "imds", {"do": "answer", "status": 403}, "403", ""),
    ("external-executable", "oidc", {"do": "answer", "status": 200, "body":
     '{"version": 1, "success": false, "code": "401", "message": "who is that"}'},
     "who is that", ""),
    ("impersonated", "impersonate", DENIED, "getAccessToken' denied",
     "roles/iam.serviceAccountTokenCreator"),
    ("external-url-impersonated", "impersonate", DENIED, "getAccessToken' denied",
     "roles/iam.serviceAccountTokenCreator"),
    ("token-lifetime", "impersonate", TOO_LONG, "cannot exceed 3600", "--token-lifetime 1h"),
    ("metadata", "metadata-token", {"do": "answer", "status": 404}, "no service account", ""),
]


@pytest.mark.parametrize("way, position, action, words, hint", [
    pytest.param(*case, id=f"{case[0]}-{case[1]}-{number}") for number, case in enumerate(LASTING)])
def test_lasting_fault(way, position, action, words, hint, push, front, google, files, registry,
                       repo):
    options, env = WAYS[way](google, files)
    rule = google.plan.add(at=position, times=0, action=action)
    done = push(options, env)
    assert done.code == NO_CREDENTIAL, str(done)
    assert words in done.err and hint in done.err, done.err
    assert rule.fired <= 2                     # asked once, the subject's places by two tries
    assert_told_once(done)
    assert_no_secret(google, done.out, done.err)
    assert_nothing_was_sent(front)
    assert registry.storage.tag(repo, "1") is None


# -- a credential that is named and broken


BROKEN = {
    "empty": "", "cut": '{"type": "service_acc', "no-type": "{}",
    "unknown-type": '{"type": "gdch_service_account"}',
    "no-key": '{"type": "service_account", "client_email": "a@b", "token_uri": "https://x/"}',
    "bad-key": '{"type": "service_account", "client_email": "a@b", "private_key": "no",'
               ' "token_uri": "https://x/"}',
    "certificate": '{"type": "external_account", "audience": "a", "subject_token_type": "t",'
                   ' "credential_source": {"certificate": {}}}',
    "no-subject": '{"type": "external_account", "audience": "a", "subject_token_type": "t",'
                  ' "credential_source": {"file": "/nowhere/subject"}}',
}


@pytest.mark.parametrize("place, text", [
    (place, text) for text in [*BROKEN, "missing"]
    for place in ("named", "by-option", "gcloud", "override")
    if (place, text) != ("gcloud", "missing")])     # then gcloud itself is asked
def test_broken_is_never_anonymous(text, place, push, front, landed, files):
    """Although a stored credential and anonymity stand behind it."""
    path = files.folder / "missing.json" if text == "missing" else files.write("x", BROKEN[text])
    landed.write_docker_config({"auths": {front.address: {"auth": "dTpw"}}})
    adc = files.gcloud() / "legacy_credentials" / ACCOUNT / "adc.json"
    adc.write_text(BROKEN.get(text, ""))
    options, env = {
        "named": (["--cred", "adc"], by_file(path)[1]),
        "by-option": (["--cred", f"adc:{path}"], environment()),
        "gcloud": (["--cred", "gcloud"], environment(CLOUDSDK_CONFIG=files.folder / "gcloud")),
        "override": (["--cred", "gcloud"],
                     environment(CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE=path)),
    }[place]
    done = push([*options, "--cred", "docker-config", "--cred", "anon"], env)
    assert done.code == NO_CREDENTIAL, str(done)
    assert_told_once(done)
    assert_nothing_was_sent(front)


# -- metadata servers


@pytest.mark.parametrize("source, how", [
    ("metadata", "reset"), pytest.param("metadata", 503, marks=pytest.mark.long),
    pytest.param("adc", "reset", marks=pytest.mark.long),
    pytest.param("adc", 503, marks=pytest.mark.long)])
def test_metadata_server_that_comes_late(source, how, push, google, files, registry, repo, image):
    options, env = WAYS["metadata"](google, files)
    google.ledger.life = 3599
    google.metadata.away_for(5, how)
    done = push(["--cred", source], env)
    assert_landed(done, registry, repo, "1", image.digest)


@pytest.mark.long
def test_metadata_token_that_is_repeated_near_its_end(push, google, files, registry, repo, image):
    """The server fetches the next one for some seconds: until then the old one is taken."""
    options, env = WAYS["metadata"](google, files)
    google.ledger.life = 3599
    google.metadata.first_left, google.metadata.background_s = 70, 4
    done = push(options, env)
    assert_landed(done, registry, repo, "1", image.digest)
    assert len(google.ledger.of("metadata")) == 2


@pytest.mark.long
def test_metadata_token_that_stays_near_its_end(push, google, files, registry, repo, image):
    options, env = WAYS["metadata"](google, files)
    google.ledger.life = 3599
    google.metadata.first_left, google.metadata.background_s = 70, 600
    done = push(options, env)
    assert_landed(done, registry, repo, "1", image.digest)
    assert len(google.ledger.of("metadata")) == 1


# -- --min-token-life


def test_what_can_be_renewed_is_not_judged(push, google, files, registry, repo, image):
    google.ledger.life = 60
    options, env = WAYS["service-account"](google, files)
    done = push(options, env, "--min-token-life", "10m")
    assert_landed(done, registry, repo, "1", image.digest)
