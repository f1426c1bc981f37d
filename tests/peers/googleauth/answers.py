"""The two shapes in which Google says no, and the one in which it says yes."""
import json

from answer import Answer


class Refused(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, reply):
        super().__init__(f"{reply.status} {reply.body[:200]!r}")
        self.answer = reply


def reply(document, status=200, headers=()):
    return Answer(status, [("Content-Type", "application/json; charset=UTF-8"), *headers],
                  json.dumps(document).encode())


def text(body, headers=()):
    return Answer(200, [("Content-Type", "application/text"), *headers], body.encode())


def oauth_error(error, description="", status=400, **more):
    """RFC 6749 5.2, as /token and STS answer."""
    body = {"error": error, **({"error_description": description} if description else {}), **more}
    return reply(body, status)


def api_error(code, status, message):
    """As Google's APIs answer."""
    return reply({"error": {"code": code, "message": message, "status": status}}, code)


def no(error, description="", status=400, **more):
    raise Refused(oauth_error(error, description, status, **more))


def api_no(code, status, message):
    raise Refused(api_error(code, status, message))


def need(condition, *how, **more):
    if not condition:
        no(*how, **more)
