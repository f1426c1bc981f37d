"""How the API server says no: Status objects with its reasons and words.

apimachinery pkg/api/errors; the generic registry for the words of conflicts.
"""

EXPIRED_LIST = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list.")
MODIFIED = ("the object has been modified; please apply your changes to the latest version and "
            "try again")
REJECTED = "the server rejected our request due to an error in our request"


class Refused(Exception):
    """A request that ends with a Status."""

    def __init__(self, code, reason, message, headers=(), metadata=None, **details):
        super().__init__(message)
        self.code = code
        self.headers = list(headers)
        self.document = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {},
                         "status": "Failure", "message": message, "reason": reason}
        details = {k: v for k, v in details.items() if v}
        if details:
            self.document["details"] = details
        self.document["code"] = code


def where(resource, name=""):
    return {"name": name, "group": resource.group, "kind": resource.plural}


def not_found(resource, name):
    return Refused(404, "NotFound", f'{resource.qualified} "{name}" not found',
                   **where(resource, name))


def no_such_path():
    return Refused(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed():
    return Refused(405, "MethodNotAllowed",
                   "the server does not allow this method on the requested resource")


def bad_request(message):
    return Refused(400, "BadRequest", message)


def unauthorized():
    return Refused(401, "Unauthorized", "Unauthorized")


def forbidden(resource, name, words):
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    return Refused(403, "Forbidden", f"{subject} is forbidden: {words}", **where(resource, name))


def forbidden_path(words):
    return Refused(403, "Forbidden", f"forbidden: {words}")


def already_exists(resource, name):
    return Refused(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists',
                   **where(resource, name))


def conflict(resource, name, words=MODIFIED, subject=None):
    return Refused(409, "Conflict", f"Operation cannot be fulfilled on "
                   f'{subject or resource.qualified} "{name}": {words}', **where(resource, name))


def invalid(kind, group, name, *causes):
    """CAUSES: (field, reason, words), e.g. ("metadata.uid", "FieldValueInvalid", "...")."""
    told = [f"{field}: {words}" for field, _, words in causes]
    text = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    subject = f"{kind}.{group}" if group else kind
    return Refused(422, "Invalid", f'{subject} "{name}" is invalid: {text}', name=name,
                   group=group, kind=kind, causes=[
                       {"reason": reason, "message": words, "field": field}
                       for field, reason, words in causes])


def bad_patch(words):
    """A patch that does not fit the object: the words are in a cause only (apiserver patch.go)."""
    return Refused(422, "Invalid", REJECTED,
                   causes=[{"reason": "UnexpectedServerResponse", "message": words}])


def unsupported_media_type(accepted):
    return Refused(415, "UnsupportedMediaType", "the body of the request was in an unknown format "
                   f"- accepted media types include: {', '.join(accepted)}")


def not_acceptable():
    return Refused(406, "NotAcceptable", "only the following media types are accepted: "
                   "application/json, application/yaml")


def expired(message, metadata=None):
    return Refused(410, "Expired", message, metadata=metadata)


def too_old(asked, oldest):
    return expired(f"too old resource version: {asked} ({oldest})")


def too_large(asked, current):
    return Refused(504, "Timeout", "Timeout: Too large resource version: "
                   f"{asked}, current: {current}", headers=[("Retry-After", "1")],
                   causes=[{"reason": "ResourceVersionTooLarge",
                            "message": "Too large resource version"}], retryAfterSeconds=1)
