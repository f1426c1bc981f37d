"""A push with each of Google's credentials whose tokens live for seconds: it takes longer than one
of them lives, and lands all the same; and no secret is seen anywhere.

The front takes exactly those tokens of the peer that live, and its own die with them.
"""
import datetime
import json
import os
import shutil
import threading
import time

import pytest

import images
from conftest import assert_landed, assert_told_once
from google_clients import CLOSED_PROXY
from googleauth import aws, jose
from googleauth.files import KINDS
from googleauth.names import (ACCOUNT, CLIENT_SECRET, DELEGATE, KEY_ID, OIDC_BEARER, REFRESH_TOKEN,
                              TARGET, WORKFORCE_REFRESH_TOKEN)

LIFE_S, SIZE, RATE = 2, 800_000, 200_000
REFUSED = 20
SECRETS = [CLIENT_SECRET, REFRESH_TOKEN, WORKFORCE_REFRESH_TOKEN, OIDC_BEARER, aws.SECRET_KEY,
           aws.SESSION_TOKEN, "ya29.", "eyJ", "PRIVATE KEY"]


def environment(**more):
    return {"HTTPS_PROXY": CLOSED_PROXY, "https_proxy": CLOSED_PROXY,
            "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1",
            **{k: str(v) for k, v in more.items()}}


def by_file(path):
    return ["--cred", "adc"], environment(GOOGLE_APPLICATION_CREDENTIALS=path)


def by_gcloud(files, *lines, **more):
    return ["--cred", "gcloud"], environment(CLOUDSDK_CONFIG=files.gcloud(properties=lines), **more)


def by_well_known_file(files):
    folder = files.gcloud()
    files.authorized_user().rename(folder / "application_default_credentials.json")
    return ["--cred", "adc"], environment(CLOUDSDK_CONFIG=folder)


def by_metadata(google, *options, life=5, **more):
    """Two seconds pass until a token that lives so shortly is believed to be the best there is."""
    google.ledger.life = life
    return options or ["--cred", "metadata"], environment(GCE_METADATA_HOST=google.host, **more)


def iam(google):
    return {"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": google.url}


def write_in_time(google, path, form):
    """Somebody leaves a new token there before the last one ends."""
    def write():
        token = google.ledger.issue("user", ACCOUNT, google.oauth.person_scopes)
        path.with_suffix(".new").write_text(form(token.text))
        path.with_suffix(".new").replace(path)

    def keep():
        while time.monotonic() < ends:
            time.sleep(LIFE_S / 4)
            write()

    ends = time.monotonic() + 30
    write()
    threading.Thread(target=keep, daemon=True).start()


def by_token_file(google, path):
    write_in_time(google, path, "{}\n".format)
    return ["--cred", "gcloud"], environment(CLOUDSDK_AUTH_ACCESS_TOKEN_FILE=path)


def config_helper_answer(token):
    ends = datetime.datetime.utcnow() + datetime.timedelta(seconds=LIFE_S)
    return json.dumps({"credential": {"access_token": token,
                                      "token_expiry": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}})


def by_config_helper(google, files):
    """A login of which gcloud has left no file: gcloud itself is run."""
    folder, answer = files.gcloud(), files.folder / "answer"
    shutil.rmtree(folder / "legacy_credentials")
    write_in_time(google, answer, config_helper_answer)
    program = files.folder / "bin/gcloud"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n[ \"$1 $2\" = 'config config-helper' ] && cat {answer}\n")
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return ["--cred", "gcloud"], environment(CLOUDSDK_CONFIG=folder, PATH=path)


def by_flag(files, chain, *options):
    """--impersonate over a login that is a person's."""
    files.google.iam.delegates = chain.split(",")[:-1]
    _, env = by_file(files.authorized_user())
    return ["--cred", "adc", "--impersonate", chain, *options], env | iam(files.google)


# (google, files) to (options, environment)
WAYS = {kind: lambda google, files, kind=kind: by_file(files.kind(kind)) for kind in KINDS} | {
    "well-known": lambda google, files: by_well_known_file(files),
    "gcloud": lambda google, files: by_gcloud(files),
    "gcloud-account": lambda google, files: (["--cred", f"gcloud:{ACCOUNT}"], by_gcloud(files)[1]),
    "gcloud-impersonates": lambda google, files: by_gcloud(
        files, "[auth]", f"impersonate_service_account = {TARGET}", **iam(google)),
    "metadata": lambda google, files: by_metadata(google),
    "metadata-adc": lambda google, files: by_metadata(google, "--cred", "adc"),
    "metadata-impersonates": lambda google, files: by_metadata(
        google, "--cred", "metadata", "--impersonate", TARGET, life=4, **iam(google)),
    "token-file": lambda google, files: by_token_file(google, files.folder / "token"),
    "config-helper": by_config_helper,
    "impersonate": lambda google, files: by_flag(files, TARGET),
    "impersonate-delegates": lambda google, files: by_flag(files, f"{DELEGATE},{TARGET}"),
    "token-lifetime": lambda google, files: by_flag(files, TARGET, "--token-lifetime", "15m"),
}
SHORT = ("service-account", "external-file", "impersonate-delegates")
FINAL = {"authorized-user": "user", "well-known": "user", "token-file": "user",
         "config-helper": "user",
         "workforce-user": "workforce", "metadata": "metadata", "metadata-adc": "metadata"}


def final_kind(way):
    """Of the tokens that the registry saw."""
    if way in FINAL:
        return FINAL[way]
    if "imperson" in way or way == "token-lifetime":
        return "impersonated"
    return "federated" if way.startswith("external") else "service-account"


@pytest.fixture
def front(google, make_front):
    google.ledger.life = LIFE_S
    google.ledger.lives = {}
    return make_front(google=google, secret=None, bound=True, rate=RATE)


def write_subject_anew(files, way):
    """Whoever wrote the subject token's file writes it again: none is exchanged twice."""
    form = "json" if way.endswith("json") else "text"
    files.google.plan.add(at="sts", times=0, action={
        "do": lambda call: [files.subject(form), call.proceed()]})


def of_us(google, method, path):
    return google.record.count(method, path, status=200)


def assert_subjects_are_new(google, files, way):
    """As many subject tokens were asked for as were exchanged."""
    exchanged = of_us(google, "POST", "^/v1/token$")
    if "url" in way or "executable" in way:
        assert of_us(google, "GET", "^/oidc") == exchanged
    if "executable" in way:
        runs = (files.folder / "executable.env").read_text()
        assert runs.count("\n") == exchanged and not any(secret in runs for secret in SECRETS)
    if "aws" in way:
        assert of_us(google, "GET", f"^/aws/creds/{aws.ROLE}$") == exchanged


def assert_no_secret(google, *texts):
    shown = "\n".join(texts)
    secrets = SECRETS + [token.text for token in google.ledger.issued]
    secrets += jose.pem(KEY_ID).split()[3:6]
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.parametrize("way", [
    way if way in SHORT else pytest.param(way, marks=pytest.mark.long) for way in WAYS])
def test_push_outlives_its_tokens(way, landed, front, google, files, registry, repo, tmp_path):
    made = images.single(tmp_path / "layout", size=SIZE, layers=4)
    options, env = WAYS[way](google, files)
    google.sts.once = "aws" not in way          # signed by the second: two may be the same
    if way.startswith(("external-file", "external-client")):
        write_subject_anew(files, way)
    if way.startswith("metadata"):
        front.bucket.rate = RATE // 2           # its tokens live longer here, too
    receipt = tmp_path / "receipt.json"
    done = landed("push", made.source(), f"{front.address}/{repo}:1", *options, "--receipt",
                  receipt, "-v", "-v", env=env)
    assert_landed(done, registry, repo, "1", made.digest)
    seen = {token.credential.token for token in front.gate.issued}
    assert {token.kind for token in seen} == {final_kind(way)}
    assert len(seen) >= 2                       # the first and a renewed one
    born = sorted(token.born for token in seen)
    assert born[-1] - born[0] > LIFE_S
    assert_subjects_are_new(google, files, way)
    assert_no_secret(google, done.out, done.err, receipt.read_text(), " ".join(options))


def lifetimes(google):
    return {entry["json"]["lifetime"]
            for entry in google.record.where("POST", ":generateAccessToken$")}


@pytest.mark.parametrize("way, lifetime", [
    ("impersonate", "3600s"), ("token-lifetime", "900s"), ("external-url-impersonated", "1800s")])
def test_lifetime_that_is_asked_for(way, lifetime, landed, make_front, google, files, registry,
                                    repo, image):
    options, env = WAYS[way](google, files)
    front = make_front(google=google, secret=None, bound=True)
    done = landed("push", image.source(), f"{front.address}/{repo}:1", *options, env=env)
    assert_landed(done, registry, repo, "1", image.digest)
    assert lifetimes(google) == {lifetime}


@pytest.mark.parametrize("way", ["impersonate", "impersonated", "external-url-impersonated"])
def test_the_flag_goes_before_the_file(way, landed, make_front, google, files, registry, repo,
                                       image):
    options, env = WAYS[way](google, files)
    front = make_front(google=google, secret=None, bound=True)
    done = landed("push", image.source(), f"{front.address}/{repo}:1", *options,
                  "--token-lifetime", "20m", env=env)
    assert_landed(done, registry, repo, "1", image.digest)
    assert lifetimes(google) == {"1200s"}


def test_service_account_that_signs_for_itself(landed, make_front, google, files, registry, repo,
                                               image):
    front = make_front(google=google, secret=None)
    options, env = by_file(files.kind("service-account"))
    done = landed("push", image.source(), f"{front.address}/{repo}:1", *options,
                  env=env | {"CLOUDSDK_AUTH_SERVICE_ACCOUNT_USE_SELF_SIGNED_JWT": "true"})
    assert_landed(done, registry, repo, "1", image.digest)
    assert google.record.count("POST", "^/token$") == 0
    assert_no_secret(google, done.out, done.err)


def test_token_that_nobody_renews(landed, front, google, registry, repo, tmp_path):
    """A variable's token that ends half way: nothing is claimed, and it is said why."""
    made = images.single(tmp_path / "layout", size=SIZE, layers=4)
    token = google.ledger.issue("user", ACCOUNT, google.oauth.person_scopes)
    env = environment(CLOUDSDK_AUTH_ACCESS_TOKEN=token.text)
    done = landed("push", made.source(), f"{front.address}/{repo}:1", "--cred", "gcloud", env=env)
    assert done.code == REFUSED, str(done)
    assert "CLOUDSDK_AUTH_ACCESS_TOKEN" in done.err and "cannot be renewed" in done.err
    assert registry.storage.tag(repo, "1") is None
    assert_told_once(done)
    assert_no_secret(google, done.out, done.err)
