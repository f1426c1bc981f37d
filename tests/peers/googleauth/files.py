"""The credential files that official clients read, for this peer's addresses.

Each method of Files writes one and returns its path; `kind()` writes one by its name in KINDS.
"""
import json
import os
from pathlib import Path

from . import aws, jose
from .names import (ACCOUNT, AUDIENCE, AWS_TYPE, CLIENT_ID, CLIENT_SECRET, DELEGATE, JWT_TYPE,
                    KEY_ID, OIDC_AUDIENCE, PROJECT, REFRESH_TOKEN, TARGET, WORKFORCE_AUDIENCE,
                    WORKFORCE_REFRESH_TOKEN)


class Files:
    def __init__(self, google, folder):
        self.google, self.folder = google, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def write(self, name, content, mode=0o600):
        """Appears whole or not at all, as files that are rotated must."""
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        new = path.with_name(path.name + ".new")
        new.touch(mode)
        new.write_text(text)
        os.replace(new, path)
        return path

    def kind(self, name):
        return KINDS[name](self)

    # -- the documents

    def service_account_document(self, **more):
        url = self.google.url
        return {"type": "service_account", "project_id": PROJECT, "private_key_id": KEY_ID,
                "private_key": jose.pem(KEY_ID), "client_email": ACCOUNT, "client_id": "1",
                "auth_uri": "https://accounts.google.com/o/oauth2/auth",
                "token_uri": f"{url}/token", "universe_domain": "googleapis.com", **more}

    def authorized_user_document(self, **more):
        return {"type": "authorized_user", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
                "refresh_token": REFRESH_TOKEN, "token_uri": f"{self.google.url}/token", **more}

    def impersonation_url(self, target=TARGET):
        return f"{self.google.url}/v1/projects/-/serviceAccounts/{target}:generateAccessToken"

    def external_document(self, source, impersonate=False, lifetime=None, **more):
        document = {"type": "external_account", "audience": AUDIENCE,
                    "subject_token_type": JWT_TYPE, "token_url": f"{self.google.url}/v1/token",
                    "token_info_url": f"{self.google.url}/v1/introspect",
                    "credential_source": source}
        if impersonate:
            document["service_account_impersonation_url"] = self.impersonation_url()
        if lifetime:
            document["service_account_impersonation"] = {"token_lifetime_seconds": lifetime}
        return document | more

    # -- the files

    def service_account(self, **more):
        return self.write("service_account.json", self.service_account_document(**more))

    def authorized_user(self, **more):
        return self.write("authorized_user.json", self.authorized_user_document(**more))

    def impersonated(self, source=None, delegates=(), **more):
        """DELEGATES: e-mails, written as the API documents them; the peer will want this chain."""
        self.google.iam.delegates = list(delegates)
        return self.write("impersonated.json", {
            "type": "impersonated_service_account",
            "source_credentials": source or self.service_account_document(),
            "delegates": [f"projects/-/serviceAccounts/{d}" for d in delegates],
            "service_account_impersonation_url": self.impersonation_url(), **more})

    def external_file(self, form="text", life=None, end="\n", **more):
        """FORM: of the subject token's file, text or json.  END: of a text."""
        path = self.subject(form, life, end)
        source = {"file": str(path)}
        if form == "json":
            source["format"] = {"type": "json", "subject_token_field_name": "token"}
        return self.write("external_file.json", self.external_document(source, **more))

    def subject(self, form="text", life=None, end="\n"):
        """Writes (or rotates) the file with the subject token."""
        token = self.google.sts.subject_token(life)
        return self.write(f"subject.{form}", token + end if form == "text" else {"token": token})

    def external_url(self, form="json", **more):
        """As GitHub's pipelines write it."""
        source = {"url": f"{self.google.url}/oidc?audience={quoted(OIDC_AUDIENCE)}",
                  "headers": {"Authorization": f"Bearer {self.google.sts.bearer}"},
                  "format": {"type": "json", "subject_token_field_name": "value"}}
        if form == "text":
            source["url"] = f"{self.google.url}/oidc/text"
            del source["format"]
        return self.write("external_url.json", self.external_document(source, **more))

    def external_executable(self, output_file=None, timeout_ms=5000, **more):
        """The executable asks the pipeline anew at every run; what it found in its environment is
        appended to executable.env, one run a line."""
        script = self.write("executable.sh", EXECUTABLE.format(
            environment=self.folder / "executable.env", bearer=self.google.sts.bearer,
            url=f"{self.google.url}/oidc/executable"), 0o700)
        source = {"command": f"{script} --a b", "timeout_millis": timeout_ms}
        if output_file:
            source["output_file"] = str(output_file)
        return self.write("external_executable.json",
                          self.external_document({"executable": source}, **more))

    def external_aws(self, imds=True, **more):
        """Without IMDS the client finds keys and region in its environment (google.aws)."""
        url = f"{self.google.url}/aws"
        source = {"environment_id": "aws1", "regional_cred_verification_url": aws.VERIFICATION_URL}
        if imds:
            source |= {"region_url": f"{url}/az", "url": f"{url}/creds",
                       "imdsv2_session_token_url": f"{url}/token"}
        return self.write("external_aws.json", self.external_document(
            source, subject_token_type=AWS_TYPE, **more))

    def workforce_user(self, **more):
        return self.write("workforce_user.json", {
            "type": "external_account_authorized_user", "audience": WORKFORCE_AUDIENCE,
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
            "refresh_token": WORKFORCE_REFRESH_TOKEN,
            "token_url": f"{self.google.url}/v1/oauthtoken",
            "token_info_url": f"{self.google.url}/v1/introspect", **more})

    def gcloud(self, document=None, account=ACCOUNT, configuration="default", properties=()):
        """gcloud's directory with one account logged in: the folder for CLOUDSDK_CONFIG.
        PROPERTIES: more lines of the configuration, e.g. "[auth]", "impersonate_service_account =
        ..."."""
        top = self.folder / "gcloud"
        for folder in (top / "configurations", top / "legacy_credentials" / account):
            folder.mkdir(parents=True, exist_ok=True)
        self.write("gcloud/active_config", configuration)
        self.write(f"gcloud/configurations/config_{configuration}",
                   "\n".join(["[core]", f"account = {account}", f"project = {PROJECT}",
                              *properties, ""]))
        self.write(f"gcloud/legacy_credentials/{account}/adc.json",
                   document or self.service_account_document())
        return top


EXECUTABLE = """#!/bin/sh
env | grep ^GOOGLE_EXTERNAL_ACCOUNT_ | sort | tr '\\n' ' ' >>"{environment}"
echo "$*" >>"{environment}"
exec curl -sS --noproxy '*' -H 'Authorization: Bearer {bearer}' '{url}'
"""


def quoted(text):
    return text.replace(":", "%3A").replace("/", "%2F")


# Every kind of credential, for tests over all of them.
KINDS = {
    "service-account": Files.service_account,
    "authorized-user": Files.authorized_user,
    "impersonated": Files.impersonated,
    "impersonated-user": lambda f: f.impersonated(source=f.authorized_user_document()),
    "impersonated-delegates": lambda f: f.impersonated(delegates=[DELEGATE]),
    "external-file": Files.external_file,
    "external-file-json": lambda f: f.external_file("json"),
    "external-url": Files.external_url,
    "external-url-impersonated": lambda f: f.external_url(impersonate=True, lifetime=1800),
    "external-executable": Files.external_executable,
    "external-aws": Files.external_aws,
    "external-aws-impersonated": lambda f: f.external_aws(impersonate=True),
    "external-client": lambda f: f.external_file(client_id=CLIENT_ID, client_secret=CLIENT_SECRET),
    "workforce-user": Files.workforce_user,
}
