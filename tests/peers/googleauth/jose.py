"""Keys and signed texts: JWT assertions, OIDC tokens."""
import functools
import re

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (Encoding, NoEncryption, PrivateFormat)

PART = r"[A-Za-z0-9_-]+"
SHAPE = re.compile(rf"{PART}\.{PART}\.{PART}")


class Bad(Exception):
    """Not a JWT, or not signed with the key that was expected."""


@functools.cache
def key(owner):
    """OWNER's RSA key, made once in a process (it takes a tenth of a second)."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(owner):
    """PKCS #8, as in Google's key files."""
    return key(owner).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def sign(owner, claims, kid="", **header):
    return jwt.encode(claims, key(owner), "RS256", headers={"kid": kid or owner, **header})


def header(text):
    if not isinstance(text, str) or not SHAPE.fullmatch(text):
        raise Bad("not three parts of base64url without padding")
    try:
        return jwt.get_unverified_header(text)
    except jwt.InvalidTokenError as error:
        raise Bad(str(error)) from None


def peek(text):
    """The claims, whoever signed them."""
    return decode(text, verify_signature=False)


def verify(text, owner):
    """The claims; what they say about time and audience is the caller's business."""
    return decode(text, key(owner).public_key(), ["RS256"])


def decode(text, *how, **options):
    header(text)
    try:
        return jwt.decode(text, *how, options={"verify_aud": False, "verify_exp": False,
                                               "verify_iat": False, "verify_nbf": False, **options})
    except jwt.InvalidTokenError as error:
        raise Bad(str(error)) from None
