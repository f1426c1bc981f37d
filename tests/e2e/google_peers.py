"""What the tests of the peer that plays Google have in common."""
import base64
import http.client
import json
from urllib.parse import urlencode

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
GONE = object()


def ask(server, method, target, body=None, **headers):
    """(status, headers, JSON or text) of one request; a dict becomes a form."""
    if isinstance(body, dict):
        body = urlencode(body)
        headers.setdefault("Content-Type", FORM)
    connection = http.client.HTTPConnection(server.url.partition("//")[2], timeout=10)
    try:
        connection.request(method, target, body, {k.replace("_", "-"): v
                                                  for k, v in headers.items()})
        answer = connection.getresponse()
        data = answer.read().decode()
    finally:
        connection.close()
    return answer.status, answer.headers, (
        json.loads(data) if answer.headers.get_content_type() == JSON else data)


def changed(fields, changes):
    return {k: v for k, v in {**fields, **changes}.items() if v is not GONE}


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
