"""AWS as Google sees it: an instance's metadata (IMDSv2), and the signed GetCallerIdentity request
that serves as a subject token, verified by signing it again (Signature Version 4)."""
import calendar
import hashlib
import hmac
import json
import re
import secrets
import time
from urllib.parse import parse_qsl, quote, unquote_plus, urlsplit

from answer import Answer

from .answers import need, no, text

ACCESS_KEY, SECRET_KEY = "AKIAOFTHETEST0000001", "aws-secret/of+the-test"
SESSION_TOKEN = "aws-session-of-the-test"
ROLE, ZONE, REGION = "builder", "eu-central-1b", "eu-central-1"
ARN = "arn:aws:sts::123456789012:assumed-role/builder/i-0123456789"
VERIFICATION_URL = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
AGE_MAX = 900
DATE = "%Y%m%dT%H%M%SZ"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), ?"
    r"SignedHeaders=(?P<names>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})")


class Aws:
    """v1: the instance answers without a session token, too.  session_token: None as for a user's
    long-lived keys.  sign_target: refuse a subject token whose target header is not signed."""

    def __init__(self):
        self.keys = {ACCESS_KEY: SECRET_KEY}
        self.session_token = SESSION_TOKEN
        self.region, self.zone = REGION, ZONE
        self.v1 = self.sign_target = False
        self.sessions = set()

    def environment(self):
        """For a client that is told by its environment who it is."""
        key, secret = next(iter(self.keys.items()))
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_REGION": self.region, **token}

    # -- the instance's metadata

    def session(self, call):
        ttl = call.head.get("X-aws-ec2-metadata-token-ttl-seconds") or ""
        if call.method != "PUT" or not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            return Answer(400, body=b"bad ttl\n")
        self.sessions.add(secrets.token_urlsafe(24))
        return text(sorted(self.sessions)[-1])

    def metadata(self, call):
        shown = call.head.get("X-aws-ec2-metadata-token")
        if call.method != "GET" or (shown not in self.sessions and (shown or not self.v1)):
            return Answer(401, body=b"no session\n")
        if call.path == "/aws/az":
            return text(self.zone)
        if call.path == "/aws/creds":
            return text(ROLE)
        if call.path != f"/aws/creds/{ROLE}":
            return Answer(404, body=b"no such role\n")
        key, secret = next(iter(self.keys.items()))
        return Answer.json({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key,
                            "SecretAccessKey": secret, "Token": self.session_token,
                            "Expiration": "2099-01-01T00:00:00Z"})


# -- the subject token


def parse(subject_token):
    """(url, method, headers by lower-case name) of a subject token, or ValueError."""
    if not subject_token.startswith("%7B"):
        raise ValueError("not percent-encoded JSON")
    document = json.loads(unquote_plus(subject_token))     # Go writes a space as "+"
    headers = {h["key"].lower(): h["value"] for h in document["headers"]}
    if len(headers) != len(document["headers"]):
        raise ValueError("a header twice")
    return document["url"], document["method"], headers


def seconds(date):
    return calendar.timegm(time.strptime(date, DATE))


def who(aws, subject_token, audience, now):
    """(principal, most of life) of the caller that the subject token proves."""
    try:
        url, method, headers = parse(subject_token)
        found = AUTHORIZATION.fullmatch(headers["authorization"])
        date = seconds(headers["x-amz-date"])
    except (ValueError, KeyError, TypeError):
        no("invalid_request", "The AWS subject token is malformed.")
    need(found and method == "POST" and url == VERIFICATION_URL.format(region=aws.region),
         "invalid_request", "The AWS subject token asks something else.")
    need(headers.get("x-goog-cloud-target-resource") == audience, "invalid_grant",
         "The AWS subject token is meant for another audience.")
    names = found["names"].split(";")
    must = {"host", "x-amz-date"} | ({"x-amz-security-token"} & headers.keys()) | (
        {"x-goog-cloud-target-resource"} if aws.sign_target else set())
    need(names == sorted(names) and must <= set(names) <= headers.keys(), "invalid_grant",
         "The AWS subject token does not sign what it must.")
    need(abs(now - date) <= AGE_MAX, "invalid_grant", "Received HTTP code 403 from AWS: expired")
    need(headers["host"] == urlsplit(url).hostname
         and headers.get("x-amz-security-token") == aws.session_token
         and found["key"] in aws.keys, "invalid_grant",
         "Received HTTP code 403 from AWS: InvalidClientTokenId")
    wanted = signature(aws.keys[found["key"]], url, {n: headers[n] for n in names}, found["scope"],
                       headers["x-amz-date"], aws.region)
    need(hmac.compare_digest(found["signature"], wanted), "invalid_grant",
         "Received HTTP code 403 from AWS: SignatureDoesNotMatch")
    return f"principal:{audience}/subject/{ARN}", 3600


def signature(secret, url, headers, scope, date, region):
    """Of an empty POST to URL with these (lower-case) HEADERS."""
    scope_wanted = f"{date[:8]}/{region}/sts/aws4_request"
    if scope != scope_wanted:
        return ""
    parts = urlsplit(url)
    query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}"
                     for k, v in sorted(parse_qsl(parts.query, keep_blank_values=True)))
    names = sorted(headers)
    canonical = "\n".join(["POST", parts.path or "/", query,
                           *(f"{n}:{' '.join(headers[n].split())}" for n in names), "",
                           ";".join(names), hashlib.sha256(b"").hexdigest()])
    text_to_sign = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                              hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for word in (date[:8], region, "sts", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.new(key, text_to_sign.encode(), "sha256").hexdigest()
