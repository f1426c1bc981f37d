"""The log of one minting as a list that two clients can be compared by, field by field.

    canonical(google) -> [(method, path, {field: value}), ...]

Fields are named by where they stand: query.X, form.X, json.X, header.X, and inside of what is
signed assertion.X and subject.X.  What differs from run to run is replaced by what it is ("<about
now>", "Bearer <federated token of ...>"); so are secrets.  What means nothing to the services
(User-Agent, the order of fields and scopes, an empty list of delegates) is left out.
"""
import base64
import time
from urllib.parse import parse_qsl, urlsplit

from . import aws, jose
from .names import (AWS_TYPE, CLIENT_SECRET, GCLOUD_CLIENT_ID, REFRESH_TOKEN,
                    WORKFORCE_REFRESH_TOKEN)
from .secret import Secret

HEADERS = ("authorization", "content-type", "metadata-flavor", "x-aws-ec2-metadata-token",
           "x-aws-ec2-metadata-token-ttl-seconds")
KNOWN = {CLIENT_SECRET: "<client secret>", REFRESH_TOKEN: "<refresh token>",
         WORKFORCE_REFRESH_TOKEN: "<workforce refresh token>",
         aws.SESSION_TOKEN: "<AWS session token>"}
NOW_S = 120


def canonical(google, entries=None):
    """ENTRIES: of google's record; all of them if None."""
    return [request(google, entry) for entry in (entries or google.record.where())]


def differences(ours, theirs):
    """What two canonical lists do not share: {"METHOD PATH FIELD": (ours, theirs)}, with None for
    a field or a request ("METHOD PATH", and "#2" for a second one) that is not there."""
    ours, theirs = numbered(ours), numbered(theirs)
    found = {}
    for name in [*ours, *(n for n in theirs if n not in ours)]:
        if name not in ours or name not in theirs:
            found[name] = ("sent" if name in ours else None, "sent" if name in theirs else None)
            continue
        for field in sorted(ours[name].keys() | theirs[name].keys()):
            pair = ours[name].get(field), theirs[name].get(field)
            if pair[0] != pair[1]:
                found[f"{name} {field}"] = pair
    order = [n for n in ours if n in theirs], [n for n in theirs if n in ours]
    if order[0] != order[1]:
        found["order"] = order
    return found


def numbered(requests):
    named = {}
    for method, path, fields in requests:
        kind = " (ID token)" if "assertion.target_audience" in fields else ""
        name = f"{method} {path}{kind}"
        count = sum(1 for known in named if known.partition("#")[0].rstrip() == name)
        named[f"{name} #{count + 1}" if count else name] = fields
    return named


def request(google, entry):
    parts = urlsplit(entry["path"])
    fields = {f"query.{k}": sorted(v.split(",")) if k == "scopes" else v
              for k, v in parse_qsl(parts.query, keep_blank_values=True)}
    for name in HEADERS:
        if name in entry["headers"]:
            fields[f"header.{name}"] = header(google, name, entry["headers"][name])
    fields |= body(google, "form", entry["form"] or {})
    fields |= body(google, "json", entry["json"] or {})
    if len(entry["raw"]) and entry["form"] is None and entry["json"] is None:
        fields["body"] = "<something else>"
    return entry["method"], parts.path, fields


def header(google, name, value):
    if name == "x-aws-ec2-metadata-token":
        return "<session>" if value.text in google.aws.sessions else "<unknown>"
    if name != "authorization":
        return value.partition(";")[0].strip() if name == "content-type" else value
    scheme, _, rest = value.text.partition(" ")
    token = google.ledger.find(rest)
    if token:
        return f"{scheme} <{token.kind} token of {token.principal}>"
    if rest == google.sts.bearer:
        return f"{scheme} <the pipeline's>"
    if scheme == "Basic":
        client, _, secret = base64.b64decode(rest).decode().partition(":")
        known = "<gcloud's>" if client == GCLOUD_CLIENT_ID else plain(Secret(secret))
        return f"Basic {client}:{known}"
    return f"{scheme} {plain(Secret(rest))}"


def body(google, kind, values):
    fields = {}
    for name, value in values.items():
        if name == "assertion":
            fields |= assertion(value.text)
        elif name == "subject_token":
            fields |= subject(value.text, values.get("subject_token_type"))
        elif name == "scope":
            fields[f"{kind}.scope"] = sorted(value.split() if isinstance(value, str) else value)
        elif name == "token" and google.ledger.find(value.text):
            fields[f"{kind}.token"] = f"<{google.ledger.find(value.text).kind} token>"
        elif value not in (None, []):
            fields[f"{kind}.{name}"] = plain(value)
    return fields


def assertion(text):
    try:
        head, claims = jose.header(text), jose.peek(text)
    except jose.Bad:
        return {"assertion": "<not a JWT>"}
    fields = {f"assertion.header.{k}": v for k, v in head.items()}
    fields |= {f"assertion.{k}": sorted(v.split()) if k == "scope" else v
               for k, v in claims.items()}
    fields["assertion.life"] = claims.get("exp", 0) - claims.get("iat", 0)
    fields["assertion.iat"] = moment(claims.get("iat", 0))
    fields.pop("assertion.exp", None)
    return fields


def subject(text, kind):
    if kind != AWS_TYPE:
        try:
            claims = jose.peek(text)
        except jose.Bad:
            return {"subject": "<not a JWT>"}
        return {"subject": f"<OIDC token of {claims.get('sub')} for {claims.get('aud')}>"}
    try:
        url, method, headers = aws.parse(text)
    except (ValueError, KeyError, TypeError):
        return {"subject": "<malformed>"}
    fields = {"subject.url": url, "subject.method": method}
    for name, value in headers.items():
        fields[f"subject.header.{name}"] = value
    found = aws.AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found:
        _, *scope = found["scope"].split("/")
        fields["subject.header.authorization"] = "AWS4-HMAC-SHA256 <signature>"
        fields["subject.credential"] = "/".join([found["key"], "<date>", *scope])
        fields["subject.signed"] = found["names"]
    if "x-amz-date" in headers:
        fields["subject.header.x-amz-date"] = moment(aws.seconds(headers["x-amz-date"]))
    if "x-amz-security-token" in headers:
        fields["subject.header.x-amz-security-token"] = plain(
            Secret(headers["x-amz-security-token"]))
    return fields


def moment(seconds):
    off = seconds - time.time()
    return "<about now>" if abs(off) < NOW_S else f"<{off:.0f} s from now>"


def plain(value):
    return KNOWN.get(value.text, repr(value)) if isinstance(value, Secret) else value
