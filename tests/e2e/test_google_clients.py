"""Google's own clients and ours against the peer that plays Google: it accepts what they send, they
accept what it answers, and the log shows the requests that google_requests.py says, field by
field."""
import time
from datetime import datetime

import pytest

from google_clients import MINTERS, docker_credential_gcloud, gcloud, landed, plugin
from google_requests import DIFFERENCES, OWED
from googleauth.canonical import canonical, differences
from googleauth.files import KINDS
from googleauth.names import ACCOUNT, AUDIENCE, JWT_TYPE

# gcloud cannot be led to loopback for the others: it takes the nested URLs for Google's.
GCLOUD_KINDS = [kind for kind in KINDS if not kind.startswith("impersonated")]
GCLOUD_SHORT = ("external-url-impersonated",)


@pytest.fixture
def google(google):
    """gcloud asks twice where less than five minutes are left."""
    google.sts.subject_life = 900
    return google


def assert_requests(google, kind, minter, minted):
    """The token is one that the peer handed out and lives; the requests are those that are owed."""
    assert minted.code == 0, minted
    token = google.ledger.find(minted.token)
    assert token and token.alive(), minted
    assert differences(OWED[kind], canonical(google)) == DIFFERENCES[minter](google, kind)


@pytest.mark.parametrize("kind", [*KINDS, "metadata"])
def test_plugin(kind, google, files, tmp_path):
    path = None if kind == "metadata" else files.kind(kind)
    assert_requests(google, kind, "plugin", plugin(google, path, tmp_path / "home"))


@pytest.mark.parametrize("kind", [*KINDS, "metadata"])
def test_landed(kind, google, files, tmp_path):
    path = None if kind == "metadata" else files.kind(kind)
    assert_requests(google, kind, "landed", landed(google, path, tmp_path / "home"))


@pytest.mark.parametrize("kind", [
    kind if kind in GCLOUD_SHORT else pytest.param(kind, marks=pytest.mark.long)
    for kind in GCLOUD_KINDS])
def test_gcloud(kind, google, files, tmp_path):
    path = files.kind(kind)
    if kind in ("external-file", "external-client"):
        files.subject(end="")                           # gcloud would send the newline, too
    assert_requests(google, kind, "gcloud", gcloud(google, path, tmp_path / "home"))


def between(ours, theirs):
    """What is documented of each against what is owed, as their difference from one another."""
    owed = {field: pair[0] for field, pair in [*ours.items(), *theirs.items()]}
    pairs = {field: (ours.get(field, (0, owed[field]))[1], theirs.get(field, (0, owed[field]))[1])
             for field in owed}
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("ours, theirs, kind", [
    *[("landed", "plugin", kind) for kind in [*KINDS, "metadata"]],
    ("plugin", "docker-credential-gcloud", "service-account"),
    pytest.param("gcloud", "docker-credential-gcloud", "workforce-user", marks=pytest.mark.long)])
def test_same_requests(ours, theirs, kind, google, files, tmp_path):
    """Two clients, one credential file: they ask the same, but for what is documented."""
    path, logs = None if kind == "metadata" else files.kind(kind), []
    for name in (ours, theirs):
        google.record.clear()
        minted = MINTERS[name](google, path, tmp_path / name)
        assert minted.code == 0, minted
        assert google.ledger.find(minted.token).alive()
        logs.append(canonical(google))
    assert differences(*logs) == between(DIFFERENCES[ours](google, kind),
                                         DIFFERENCES[theirs](google, kind))


# -- what they do with answers that are not the usual ones


@pytest.mark.parametrize("stamp", ["fractions", "offset", "both"])
def test_plugin_reads_every_stamp(stamp, google, files, tmp_path):
    google.iam.stamp = stamp
    minted = plugin(google, files.impersonated(), tmp_path / "home")
    left = datetime.fromisoformat(minted.expires).timestamp() - time.time()
    assert 3500 < left <= 3600


def test_plugin_follows_no_other_clock(google, files, tmp_path):
    """It compares an absolute expiry with the local clock, whatever the answer's Date says."""
    google.skew = 600
    minted = plugin(google, files.impersonated(), tmp_path / "home")
    assert datetime.fromisoformat(minted.expires).timestamp() - time.time() > 4100


@pytest.mark.parametrize("kind, claim, known", [
    ("authorized-user", "text", True), ("service-account", "text", None),
    ("external-url", "text", None), ("workforce-user", "text", None), ("metadata", "text", None),
    # an endpoint that does not tell the life is believed to give it for ever, except by STS
    ("service-account", None, False), ("authorized-user", None, False),
    ("external-url", None, None), ("service-account", 0, False), ("metadata", 0, None),
    ("authorized-user", 3599.5, None)])
def test_plugin_and_odd_lives(kind, claim, known, google, files, tmp_path):
    """KNOWN: whether the expiry is; None: the token itself is refused."""
    google.ledger.claim = claim
    path = None if kind == "metadata" else files.kind(kind)
    minted = plugin(google, path, tmp_path / "home")
    assert (minted.code == 0) == (known is not None), minted
    assert bool(minted.expires) == bool(known)


def test_plugin_asks_four_times(google, files, tmp_path):
    google.plan.add(at="token", times=3, action={"do": "api", "code": 503, "status": "UNAVAILABLE",
                                                 "message": "try again"})
    assert plugin(google, files.service_account(), tmp_path / "home").code == 0
    assert [e["status"] for e in google.record.where("POST", "^/token$")] == [503, 503, 503, 200]


def test_plugin_tells_that_a_person_must_log_in(google, files, tmp_path):
    google.oauth.reauth = True
    minted = plugin(google, files.authorized_user(), tmp_path / "home")
    assert minted.code != 0 and "invalid_rapt" in minted.err
    assert google.record.count("POST", "^/token$", status=400) == 4


def test_plugin_takes_what_the_metadata_server_repeats(google, tmp_path):
    google.metadata.first_left, google.metadata.repeat_until = 70, 60
    tokens = {plugin(google, None, tmp_path / "home").token for _ in range(2)}
    assert len(tokens) == 1 and google.ledger.of("metadata")[0].left() <= 70


def test_executable_sees_the_environment(google, files, tmp_path):
    path = files.external_executable(output_file=tmp_path / "out")
    assert plugin(google, path, tmp_path / "home").code == 0
    seen = (files.folder / "executable.env").read_text()
    assert f"GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE={AUDIENCE} " in seen
    assert f"GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE={tmp_path / 'out'} " in seen
    assert "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0 " in seen
    assert f"GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE={JWT_TYPE} " in seen
    assert seen.endswith("--a b\n")


def test_aws_keys_from_the_environment(google, files, tmp_path):
    google.aws.session_token = None
    minted = plugin(google, files.external_aws(imds=False), tmp_path / "home",
                    **google.aws.environment())
    assert minted.code == 0, minted
    assert google.record.count(path="^/aws/") == 0


def test_gcloud_directory(google, files, tmp_path):
    """The file that gcloud leaves beside its store is an ordinary one (for who reads it)."""
    top = files.gcloud()
    adc = top / "legacy_credentials" / ACCOUNT / "adc.json"
    assert plugin(google, adc, tmp_path / "home").code == 0
    assert (top / "active_config").read_text() == "default"
    assert f"account = {ACCOUNT}" in (top / "configurations/config_default").read_text()


@pytest.mark.long
def test_gcloud_serves_a_token_of_another_file(google, files, tmp_path):
    """Its cache is keyed by the account's e-mail alone: a second file for the same account gets
    the first one's token, with no request at all."""
    first = gcloud(google, files.external_url(impersonate=True), tmp_path / "home")
    google.record.clear()
    second = gcloud(google, files.external_aws(impersonate=True), tmp_path / "home")
    assert second.token == first.token and google.record.where() == []


@pytest.mark.long
def test_docker_credential_gcloud_asks_again_for_a_longer_life(google, files, tmp_path):
    path = files.external_url(impersonate=True, lifetime=1800)
    assert docker_credential_gcloud(google, path, tmp_path / "home").code == 0
    assert google.record.count("POST", ":generateAccessToken$", status=200) == 2


@pytest.mark.long
def test_gcloud_and_the_metadata_server(google, tmp_path):
    minted = gcloud(google, None, tmp_path / "home")
    assert minted.code == 0 and google.ledger.find(minted.token).kind == "metadata", minted
    asked = google.record.where("GET", "^/computeMetadata/")
    assert {(e["status"], e["headers"].get("metadata-flavor")) for e in asked} == {(200, "Google")}
    assert google.record.count("GET", f"/{ACCOUNT}/token$") == 1


@pytest.mark.long
def test_gcloud_sends_the_newline(google, files, tmp_path):
    minted = gcloud(google, files.external_file(), tmp_path / "home")
    assert minted.code != 0
    assert google.record.where("POST", "^/v1/token$")[0]["form"]["subject_token"].text[-1] == "\n"
