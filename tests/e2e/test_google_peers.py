"""The peer that plays Google refuses what Google refuses, and forgets no token.

Nothing of Google's needs to be installed for these; test_google_clients.py holds the same peer
against the official clients.
"""
import json
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote

import pytest

from google_peers import FORM, GONE, JSON, ask, basic, changed
from googleauth import aws, jose
from googleauth.files import KINDS
from googleauth.names import (ACCESS_TOKEN_TYPE, ACCOUNT, AUDIENCE, AWS_TYPE, CLIENT_ID,
                              CLIENT_SECRET, CLOUD_PLATFORM, DELEGATE, EMAIL, IAM, JWT_BEARER,
                              JWT_TYPE, KEY_ID, REFRESH_TOKEN, SCOPE, TARGET, TOKEN_AUDIENCE,
                              TOKEN_EXCHANGE, WORKFORCE_AUDIENCE, WORKFORCE_REFRESH_TOKEN)

# -- POST /token: a service account's assertion


def claims(**changes):
    now = int(time.time()) - 10
    lapses = {k: now + v if k in ("iat", "exp") and isinstance(v, int) else v
              for k, v in changes.items()}
    return changed({"iss": ACCOUNT, "aud": TOKEN_AUDIENCE, "scope": CLOUD_PLATFORM, "iat": now,
                    "exp": now + 3600}, lapses)


def grant(assertion, **changes):
    return changed({"grant_type": JWT_BEARER, "assertion": assertion}, changes)


@pytest.mark.parametrize("changes, error", [
    ({}, None), ({"aud": "own"}, None), ({"sub": ACCOUNT}, None), ({"exp": 3540}, None),
    ({"scope": f"{CLOUD_PLATFORM} {EMAIL} openid"}, None),
    ({"iss": "nobody@example.com"}, "account not found"), ({"iss": TARGET}, "Signature"),
    ({"iss": GONE}, "account not found"),
    ({"aud": "https://example.com/token"}, "audience"), ({"aud": GONE}, "audience"),
    ({"iat": -3700, "exp": -100}, "short-lived"), ({"exp": 3601}, "short-lived"),
    ({"iat": 70, "exp": 3600}, "short-lived"), ({"iat": GONE}, "short-lived"),
    ({"exp": GONE}, "short-lived"), ({"exp": "soon"}, "short-lived"),
    ({"sub": "boss@example.com"}, "unauthorized"), ({"scope": GONE}, "scope"),
    ({"scope": ""}, "scope"), ({"scope": "repository:a:push"}, "scope"),
    ({"target_audience": "x"}, "scope"),
])
def test_assertion(changes, error, google):
    changes = {k: f"{google.url}/token" if v == "own" else v for k, v in changes.items()}
    status, _, answer = ask(google, "POST", "/token",
                            grant(jose.sign(KEY_ID, claims(**changes))))
    if error is None:
        assert status == 200 and answer["expires_in"] == 3599
        assert google.ledger.alive(answer["access_token"])
    else:
        assert status in (400, 401) and error in answer["error_description"]
        assert google.ledger.issued == []


@pytest.mark.parametrize("spoil", [
    lambda: jose.sign("stranger", claims(), kid=KEY_ID),
    lambda: jose.sign(KEY_ID, claims(), kid="another"),
    lambda: jose.sign(KEY_ID, claims(), kid=KEY_ID, typ="JOSE"),
    lambda: jose.sign(KEY_ID, claims())[:-8] + "AAAAAAAA",
    lambda: jose.sign(KEY_ID, claims()) + "==",
    lambda: jose.sign(KEY_ID, claims()) + "\n",
    lambda: jose.jwt.encode(claims(), "shared", "HS256", headers={"kid": KEY_ID}),
    lambda: jose.jwt.encode(claims(), None, "none", headers={"kid": KEY_ID}),
    lambda: "", lambda: "a.b.c", lambda: "{}",
], ids=["stranger's-key", "kid", "typ", "signature", "padding", "newline", "hmac", "unsigned",
        "empty", "no-json", "no-jwt"])
def test_bad_assertion(spoil, google):
    status, _, answer = ask(google, "POST", "/token", grant(spoil()))
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("body, kind", [
    ({"grant_type": "password"}, FORM), ({}, FORM), ("grant_type=a&grant_type=b", FORM),
    ("%%", FORM), ('{"grant_type":"refresh_token"}', JSON),
    ("grant_type=refresh_token", "text/plain")])
def test_bad_form(body, kind, google):
    assert ask(google, "POST", "/token", body, Content_Type=kind)[0] == 400


# -- refresh tokens


@pytest.mark.parametrize("changes, status, error", [
    ({}, 200, None), ({"scope": f"{EMAIL} {CLOUD_PLATFORM}"}, 200, None),
    ({"client_id": "other"}, 401, "invalid_client"), ({"client_id": GONE}, 401, "invalid_client"),
    ({"client_secret": "no"}, 401, "invalid_client"),
    ({"refresh_token": "1//old"}, 400, "invalid_grant"),
    ({"refresh_token": GONE}, 400, "invalid_grant"),
    ({"scope": SCOPE + "drive"}, 400, "invalid_scope")])
def test_refresh(changes, status, error, google):
    form = changed({"grant_type": "refresh_token", "client_id": CLIENT_ID,
                    "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}, changes)
    got, _, answer = ask(google, "POST", "/token", form)
    assert (got, answer.get("error")) == (status, error)


@pytest.mark.parametrize("path, service, form, headers", [
    ("/token", "oauth", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
                         "refresh_token": REFRESH_TOKEN}, {}),
    ("/v1/oauthtoken", "sts", {"refresh_token": WORKFORCE_REFRESH_TOKEN},
     {"Authorization": basic(CLIENT_ID, CLIENT_SECRET)})])
def test_rotated_refresh_token(path, service, form, headers, google):
    """Each one is good for once."""
    getattr(google, service).rotate = True
    form = {"grant_type": "refresh_token", **form}
    fresh = ask(google, "POST", path, form, **headers)[2]["refresh_token"]
    assert ask(google, "POST", path, form, **headers)[0] == 400
    assert ask(google, "POST", path, form | {"refresh_token": fresh}, **headers)[0] == 200


@pytest.mark.parametrize("authorization", [None, "Bearer x", "Basic !", basic(CLIENT_ID, "no"),
                                           basic("other", CLIENT_SECRET)])
def test_workforce_client(authorization, google):
    headers = {"Authorization": authorization} if authorization else {}
    form = {"grant_type": "refresh_token", "refresh_token": WORKFORCE_REFRESH_TOKEN}
    assert ask(google, "POST", "/v1/oauthtoken", form, **headers)[0] == 401


# -- POST /v1/token


def exchange(google, **changes):
    return changed({"grant_type": TOKEN_EXCHANGE, "audience": AUDIENCE, "scope": CLOUD_PLATFORM,
                    "requested_token_type": ACCESS_TOKEN_TYPE, "subject_token_type": JWT_TYPE,
                    "subject_token": google.sts.subject_token()}, changes)


@pytest.mark.parametrize("changes, error", [
    ({"grant_type": JWT_BEARER}, "unsupported_grant_type"),
    ({"audience": AUDIENCE + "2"}, "invalid_target"), ({"audience": GONE}, "invalid_target"),
    ({"scope": ""}, "invalid_scope"), ({"scope": GONE}, "invalid_scope"),
    ({"requested_token_type": JWT_TYPE}, "invalid_request"),
    ({"subject_token_type": "jwt"}, "invalid_request"),
    ({"subject_token_type": AWS_TYPE}, "invalid_request"),
    ({"subject_token": GONE}, "invalid_grant"), ({"subject_token": "x" * 12289}, "invalid_request"),
    ({"subject_token": lambda g: g.sts.subject_token() + "\n"}, "invalid_grant"),
    ({"subject_token": lambda g: g.sts.subject_token(life=-1)}, "invalid_grant"),
    ({"subject_token": lambda g: g.sts.subject_token(audience="x")}, "invalid_grant"),
    ({"subject_token": lambda g: g.sts.subject_token(owner="stranger")}, "invalid_grant"),
    ({"audience": WORKFORCE_AUDIENCE}, "invalid_request"),
    ({"audience": WORKFORCE_AUDIENCE, "options": "{"}, "invalid_request"),
    ({"audience": WORKFORCE_AUDIENCE, "options": '"{}"'}, "invalid_request"),
    ({"audience": WORKFORCE_AUDIENCE, "options": '{"userProject":"emu"}'}, None), ({}, None)])
def test_exchange(changes, error, google):
    changes = {k: v(google) if callable(v) else v for k, v in changes.items()}
    form = exchange(google, **changes)
    status, _, answer = ask(google, "POST", "/v1/token", form)
    assert (status, answer.get("error")) == (400 if error else 200, error)
    as_json = ask(google, "POST", "/v1/token", json.dumps(form), Content_Type=JSON)
    assert (as_json[0], as_json[2].get("error")) == (status, error)


def test_federated_token_dies_with_its_subject(google):
    form = exchange(google, subject_token=google.sts.subject_token(life=40))
    answer = ask(google, "POST", "/v1/token", form)[2]
    assert 30 <= answer["expires_in"] <= 40
    assert google.ledger.find(answer["access_token"]).left() <= 40


def test_subject_token_is_good_for_once(google):
    google.sts.once = True
    form = exchange(google)
    assert ask(google, "POST", "/v1/token", form)[0] == 200
    assert ask(google, "POST", "/v1/token", form)[2]["error"] == "invalid_grant"
    assert ask(google, "POST", "/v1/token", exchange(google))[0] == 200


# -- AWS subject tokens


def signed(google, audience=AUDIENCE, age=0, secret=aws.SECRET_KEY, spoil=None, unsigned=()):
    url = aws.VERIFICATION_URL.format(region=aws.REGION)
    date = time.strftime(aws.DATE, time.gmtime(time.time() - age))
    headers = {"host": f"sts.{aws.REGION}.amazonaws.com", "x-amz-date": date,
               "x-amz-security-token": aws.SESSION_TOKEN, "x-goog-cloud-target-resource": audience}
    names = sorted(headers.keys() - set(unsigned))
    scope = f"{date[:8]}/{aws.REGION}/sts/aws4_request"
    mark = aws.signature(secret, url, {n: headers[n] for n in names}, scope, date, aws.REGION)
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={aws.ACCESS_KEY}/{scope}, "
                                f"SignedHeaders={';'.join(names)}, Signature={mark}")
    document = {"url": url, "method": "POST",
                "headers": [{"key": k, "value": v} for k, v in headers.items()]}
    if spoil:
        spoil(document)
    return quote(json.dumps(document), safe="")


def header_set(name, value):
    def spoil(document):
        for header in document["headers"]:
            if header["key"] == name:
                header["value"] = value
    return spoil


@pytest.mark.parametrize("how, error", [
    ({}, None), ({"unsigned": ["x-goog-cloud-target-resource"]}, None),
    ({"secret": "guessed"}, "SignatureDoesNotMatch"), ({"age": 1000}, "expired"),
    ({"age": -1000}, "expired"), ({"audience": WORKFORCE_AUDIENCE}, "another audience"),
    ({"unsigned": ["x-amz-date"]}, "sign what it must"),
    ({"unsigned": ["host"]}, "sign what it must"),
    ({"unsigned": ["x-amz-security-token"]}, "sign what it must"),
    ({"spoil": header_set("x-amz-security-token", "x")}, "InvalidClientTokenId"),
    ({"spoil": header_set("host", "sts.us-west-2.amazonaws.com")}, "InvalidClientTokenId"),
    ({"spoil": header_set("Authorization", "AWS4 x")}, "something else"),
    ({"spoil": lambda d: d.update(method="GET")}, "something else"),
    ({"spoil": lambda d: d.update(url=d["url"] + "&x=1")}, "something else"),
    ({"spoil": lambda d: d["headers"].append(d["headers"][0])}, "malformed"),
    ({"spoil": lambda d: d.pop("headers")}, "malformed")])
def test_aws_subject_token(how, error, google):
    form = exchange(google, subject_token=signed(google, **how), subject_token_type=AWS_TYPE)
    status, _, answer = ask(google, "POST", "/v1/token", form)
    assert status == (400 if error else 200)
    assert error is None or error in answer["error_description"]


def test_aws_subject_token_is_percent_encoded(google):
    plain = unquote(signed(google))
    form = exchange(google, subject_token=plain, subject_token_type=AWS_TYPE)
    assert ask(google, "POST", "/v1/token", form)[0] == 400


def test_aws_can_want_the_target_signed(google):
    google.aws.sign_target = True
    bare = signed(google, unsigned=["x-goog-cloud-target-resource"])
    for token, status in ((bare, 400), (signed(google), 200)):
        form = exchange(google, subject_token=token, subject_token_type=AWS_TYPE)
        assert ask(google, "POST", "/v1/token", form)[0] == status


def test_instance_metadata_wants_a_session(google):
    ttl = {"X_aws_ec2_metadata_token_ttl_seconds": "300"}
    assert ask(google, "PUT", "/aws/token")[0] == 400
    session = {"X_aws_ec2_metadata_token": ask(google, "PUT", "/aws/token", **ttl)[2]}
    assert ask(google, "GET", "/aws/creds")[0] == 401
    assert ask(google, "GET", "/aws/creds", **session)[2] == aws.ROLE
    assert ask(google, "GET", "/aws/az", **session)[2] == aws.ZONE
    assert ask(google, "GET", f"/aws/creds/{aws.ROLE}", **session)[2]["Token"] == aws.SESSION_TOKEN
    assert ask(google, "GET", "/aws/creds/other", **session)[0] == 404


# -- impersonation


def impersonate(google, scopes=(CLOUD_PLATFORM,), source=None, verb="generateAccessToken",
                account=TARGET, project="-", **changes):
    source = source or google.ledger.issue("service-account", ACCOUNT, scopes).text
    body = changed({"scope": [CLOUD_PLATFORM], "lifetime": "3600s", "delegates": []}, changes)
    return ask(google, "POST", f"/v1/projects/{project}/serviceAccounts/{account}:{verb}",
               json.dumps(body), Content_Type=JSON, Authorization=f"Bearer {source}")


@pytest.mark.parametrize("how, status", [
    ({}, 200), ({"scopes": [IAM]}, 200), ({"lifetime": GONE}, 200), ({"delegates": GONE}, 200),
    ({"source": "ya29.unknown"}, 401), ({"scopes": [EMAIL]}, 403), ({"project": "emu"}, 400),
    ({"account": "nobody@example.com"}, 403), ({"verb": "signBlob"}, 404),
    ({"delegates": [DELEGATE]}, 403), ({"scope": GONE}, 400), ({"scope": []}, 400),
    ({"scope": CLOUD_PLATFORM}, 400), ({"lifetime": "3601s"}, 400), ({"lifetime": "3600"}, 400),
    ({"lifetime": 3600}, 400), ({"lifetime": "0s"}, 400)])
def test_impersonation(how, status, google):
    got, _, answer = impersonate(google, **how)
    assert got == status
    if status == 200:
        assert google.ledger.alive(answer["accessToken"]).principal == TARGET
    else:
        assert answer["error"]["code"] == status and answer["error"]["status"].isupper()


@pytest.mark.parametrize("name", [DELEGATE, f"projects/-/serviceAccounts/{DELEGATE}"])
def test_delegates(name, google):
    google.iam.delegates = [DELEGATE]
    assert impersonate(google, delegates=[name])[0] == 200
    assert impersonate(google)[0] == 403


def test_a_dead_source_buys_nothing(google):
    source = google.ledger.issue("user", "dev@example.com", [CLOUD_PLATFORM])
    assert impersonate(google, source=source.text)[0] == 200
    source.dead = True
    assert impersonate(google, source=source.text)[0] == 401


@pytest.mark.parametrize("stamp", ["seconds", "fractions", "offset", "both", "lower"])
@pytest.mark.parametrize("skew", [0, -500])
def test_expire_time(stamp, skew, google):
    """Absolute, by the clock that the answer's Date shows."""
    google.iam.stamp, google.skew, google.iam.limit = stamp, skew, 43200
    _, headers, answer = impersonate(google, lifetime="43200s")
    date = parsedate_to_datetime(headers["Date"])
    expires = datetime.fromisoformat(answer["expireTime"].upper())
    assert abs((expires - date).total_seconds() - 43200) < 30
    assert abs(date.timestamp() - time.time() - skew) < 60


# -- secrets


def test_no_secret_is_shown(google, files):
    """Not by the log, which a failing test prints, although it holds them all."""
    for kind in KINDS:
        files.kind(kind)
    ask(google, "POST", "/token", grant(jose.sign(KEY_ID, claims())))
    ask(google, "POST", "/token", {"grant_type": "refresh_token", "client_id": CLIENT_ID,
                                   "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN})
    ask(google, "POST", "/v1/token", exchange(google))
    impersonate(google)
    shown = repr(google.record.entries) + google.record.lines() + repr(google.ledger.issued)
    for secret in (CLIENT_SECRET, REFRESH_TOKEN, "ya29.", "eyJ"):
        assert secret not in shown
    assert google.record.entries[1]["form"]["refresh_token"] == REFRESH_TOKEN
