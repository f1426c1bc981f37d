"""Secrets in a log: tests may compare them and look inside, a failure's output shows none."""
from record import fingerprint

# Of forms, JSON bodies and headers; everything else is shown.
NAMES = {"assertion", "subject_token", "refresh_token", "client_secret", "access_token", "token",
         "rapt", "authorization", "x-aws-ec2-metadata-token"}


class Secret:
    """Not a str on purpose: pytest explains a failed comparison of two of them by their text."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return self.text == (other.text if isinstance(other, Secret) else other)

    def __hash__(self):
        return hash(self.text)

    def __repr__(self):
        return f"<secret {fingerprint(self.text)}>"

    def __len__(self):
        return len(self.text)


def veiled(fields):
    """FIELDS (name to value) with its secrets made Secrets."""
    return {name: Secret(value) if name in NAMES and isinstance(value, str) else value
            for name, value in fields.items()}
