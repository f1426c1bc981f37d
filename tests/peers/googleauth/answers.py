"""How a service ends a request that it refuses."""
from answer import Answer


class Refused(Exception):
    def __init__(self, answer):
        super().__init__(f"{answer.status} {answer.body[:200]!r}")
        self.answer = answer


def text(body):
    return Answer(200, [("Content-Type", "application/text")], body.encode())


def no(*error, **more):
    raise Refused(Answer.oauth(*error, **more))


def need(condition, *error, **more):
    if not condition:
        no(*error, **more)


def api_no(code, status, message):
    raise Refused(Answer.api(code, status, message))
