"""The requests that each kind of credential file owes, field by field (as canonical.py names them),
and where Google's own clients send something else.

The list is the documented protocol, for the two scopes that a registry and a cluster need.  A
client that differs says so here, with what it sends; a test then asserts exactly that.
"""
from googleauth.aws import ACCESS_KEY, ARN, REGION, ROLE, VERIFICATION_URL
from googleauth.names import (ACCESS_TOKEN_TYPE, ACCOUNT, AUDIENCE, AWS_TYPE, CLIENT_ID,
                              CLOUD_PLATFORM, DELEGATE, EMAIL, GCLOUD_CLIENT_ID, IAM, JWT_BEARER,
                              JWT_TYPE, KEY_ID, OIDC_AUDIENCE, PERSON, SCOPE, TARGET,
                              TOKEN_AUDIENCE, TOKEN_EXCHANGE)
from googleauth.sts import SUBJECT

SCOPES = [CLOUD_PLATFORM, EMAIL]
FORM = {"header.content-type": "application/x-www-form-urlencoded"}
TOKEN, STS, OAUTHTOKEN = "POST /token", "POST /v1/token", "POST /v1/oauthtoken"
INTROSPECT = "POST /v1/introspect"
IMPERSONATION = f"/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
OIDC_PERSON = f"<OIDC token of {SUBJECT} for {OIDC_AUDIENCE}>"
FEDERATED = f"federated token of principal:{AUDIENCE}/subject/"


def assertion(scopes=tuple(SCOPES)):
    return ("POST", "/token", FORM | {
        "form.grant_type": JWT_BEARER, "assertion.header.alg": "RS256",
        "assertion.header.typ": "JWT", "assertion.header.kid": KEY_ID, "assertion.iss": ACCOUNT,
        "assertion.aud": TOKEN_AUDIENCE, "assertion.scope": list(scopes), "assertion.life": 3600,
        "assertion.iat": "<about now>"})


def refresh():
    return ("POST", "/token", FORM | {
        "form.grant_type": "refresh_token", "form.client_id": CLIENT_ID,
        "form.client_secret": "<client secret>", "form.refresh_token": "<refresh token>"})


def exchange(subject, kind=JWT_TYPE, scopes=tuple(SCOPES), **more):
    subject = subject if isinstance(subject, dict) else {"subject": subject}
    return ("POST", "/v1/token", FORM | subject | more | {
        "form.grant_type": TOKEN_EXCHANGE, "form.audience": AUDIENCE, "form.scope": list(scopes),
        "form.requested_token_type": ACCESS_TOKEN_TYPE, "form.subject_token_type": kind})


def impersonation(caller, lifetime=3600, **more):
    return ("POST", IMPERSONATION, {
        "header.content-type": "application/json", "header.authorization": f"Bearer <{caller}>",
        "json.scope": SCOPES, "json.lifetime": f"{lifetime}s", **more})


def pipeline(path="/oidc", **more):
    return ("GET", path, {"header.authorization": "Bearer <the pipeline's>", **more})


def imds():
    session = {"header.x-aws-ec2-metadata-token": "<session>"}
    return [("PUT", "/aws/token", {"header.x-aws-ec2-metadata-token-ttl-seconds": "300"}),
            ("GET", "/aws/creds", session), ("GET", f"/aws/creds/{ROLE}", session),
            ("GET", "/aws/az", session)]


AWS_SUBJECT = {
    "subject.url": VERIFICATION_URL.format(region=REGION),
    "subject.method": "POST", "subject.header.host": f"sts.{REGION}.amazonaws.com",
    "subject.header.x-amz-date": "<about now>",
    "subject.header.x-amz-security-token": "<AWS session token>",
    "subject.header.x-goog-cloud-target-resource": AUDIENCE,
    "subject.header.authorization": "AWS4-HMAC-SHA256 <signature>",
    "subject.credential": f"{ACCESS_KEY}/<date>/{REGION}/sts/aws4_request",
    "subject.signed": "host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource"}
BASIC = f"Basic {CLIENT_ID}:<client secret>"
ONLY_PLATFORM = (CLOUD_PLATFORM,)
QUERY = {"query.audience": OIDC_AUDIENCE}

OWED = {
    "service-account": [assertion()],
    "authorized-user": [refresh()],
    "impersonated": [assertion(ONLY_PLATFORM),
                     impersonation(f"service-account token of {ACCOUNT}")],
    "impersonated-user": [refresh(), impersonation(f"user token of {PERSON}")],
    "impersonated-delegates": [
        assertion(ONLY_PLATFORM),
        impersonation(f"service-account token of {ACCOUNT}",
                      **{"json.delegates": [f"projects/-/serviceAccounts/{DELEGATE}"]})],
    "external-file": [exchange(OIDC_PERSON)],
    "external-file-json": [exchange(OIDC_PERSON)],
    "external-url": [pipeline(**QUERY), exchange(OIDC_PERSON)],
    "external-url-impersonated": [pipeline(**QUERY), exchange(OIDC_PERSON, scopes=ONLY_PLATFORM),
                                  impersonation(FEDERATED + SUBJECT, 1800)],
    "external-executable": [pipeline("/oidc/executable"), exchange(OIDC_PERSON)],
    "external-aws": [*imds(), exchange(AWS_SUBJECT, AWS_TYPE)],
    "external-aws-impersonated": [*imds(), exchange(AWS_SUBJECT, AWS_TYPE, ONLY_PLATFORM),
                                  impersonation(FEDERATED + ARN)],
    "external-client": [exchange(OIDC_PERSON, **{"header.authorization": BASIC})],
    "workforce-user": [("POST", "/v1/oauthtoken", FORM | {
        "form.grant_type": "refresh_token", "form.refresh_token": "<workforce refresh token>",
        "header.authorization": BASIC})],
    "metadata": [("GET", "/computeMetadata/v1/instance/service-accounts/default/token", {
        "header.metadata-flavor": "Google", "query.scopes": SCOPES})],
}


# -- what Google's clients do otherwise: {"METHOD PATH FIELD": (owed, theirs)}, see differences()


def plugin_differences(google, kind):
    """golang.org/x/oauth2 (gke-gcloud-auth-plugin)."""
    found = {}
    if kind in ("service-account", "impersonated", "impersonated-delegates"):
        found[f"{TOKEN} assertion.aud"] = (TOKEN_AUDIENCE, f"{google.url}/token")
    if kind in ("impersonated", "impersonated-delegates"):
        found[f"{TOKEN} assertion.scope"] = (list(ONLY_PLATFORM), SCOPES)
    if kind == "metadata":
        found["GET /computeMetadata/v1/project/project-id"] = (None, "sent")
    return found


GCLOUD_SCOPES = sorted(["openid", EMAIL, CLOUD_PLATFORM] + [
    SCOPE + name for name in ("appengine.admin", "sqlservice.login", "compute")])
GCLOUD_BASIC = f"Basic {GCLOUD_CLIENT_ID}:<gcloud's>"


def gcloud_differences(google, kind):
    """google-auth for Python inside of gcloud: wide scopes, an ID token beside each access token,
    its own client's credentials at STS, and a question who the federated caller is."""
    found = {}
    if kind == "service-account":
        found[f"{TOKEN} (ID token)"] = (None, "sent")
        found[f"{TOKEN} assertion.scope"] = (SCOPES, GCLOUD_SCOPES)
    if "impersonated" in kind:
        found[f"POST {IMPERSONATION} json.scope"] = (SCOPES, GCLOUD_SCOPES)
        found[f"{STS} form.scope"] = (list(ONLY_PLATFORM), [IAM])
    elif kind.startswith("external"):
        found[f"{STS} form.scope"] = (SCOPES, GCLOUD_SCOPES)
        found[f"{STS} header.authorization"] = (BASIC if kind == "external-client" else None,
                                                GCLOUD_BASIC)
        found[INTROSPECT] = (None, "sent")
    if "aws" in kind:
        found["PUT /aws/token #2"] = (None, "sent")
        found[f"GET /aws/creds/{ROLE} header.content-type"] = (None, "application/json")
        found[f"{STS} subject.signed"] = (AWS_SUBJECT["subject.signed"],
                                          "host;x-amz-date;x-amz-security-token")
        names = [f"{method} {path}" for method, path, _ in OWED[kind]]
        found["order"] = (names, [names[0], names[3], names[1], names[2], *names[4:]])
    if kind == "workforce-user":
        found[f"{OAUTHTOKEN} header.authorization"] = (BASIC, GCLOUD_BASIC)
        found[INTROSPECT] = (None, "sent")
    return found


def landed_differences(google, kind):
    """Ours: nothing but two questions more.  In which universe the machine is decides where
    impersonation is asked for, and whose token it is stands in what people read."""
    if kind != "metadata":
        return {}
    return {"GET /computeMetadata/v1/universe/universe-domain": (None, "sent"),
            "GET /computeMetadata/v1/instance/service-accounts/default/email": (None, "sent")}


DIFFERENCES = {"plugin": plugin_differences, "gcloud": gcloud_differences,
               "docker-credential-gcloud": gcloud_differences, "landed": landed_differences}
