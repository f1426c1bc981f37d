"""The one message that newer kubectl sends as protobuf and cannot do without.

The server's envelope is "k8s", a zero byte and runtime.Unknown; field numbers are those of
authorization/v1/generated.proto.
"""
from .status import unsupported_media_type

MAGIC = b"k8s\0"
ATTRIBUTES = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource",
              6: "subresource", 7: "name"}


def fields(data):
    """Field number to its last value, of length-delimited fields and integers."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        size, at = varint(data, at)
        if tag & 7 == 2:
            found[tag >> 3] = data[at:at + size]
            at += size
        elif tag & 7 == 0:
            found[tag >> 3] = size
        else:
            raise unsupported_media_type(["application/json"])
    return found


def varint(data, at):
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 128:
            return value, at
    raise unsupported_media_type(["application/json"])


def access_review(data):
    """A SelfSubjectAccessReview as a JSON document."""
    if not data.startswith(MAGIC):
        raise unsupported_media_type(["application/json"])
    unknown = fields(data[len(MAGIC):])
    spec = fields(fields(unknown.get(2, b"")).get(2, b""))
    asked = fields(spec.get(1, b""))
    return {"spec": {"resourceAttributes": {
        name: asked[number].decode() for number, name in ATTRIBUTES.items() if asked.get(number)}}}
