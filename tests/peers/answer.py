"""An answer on its way to the client, made here or taken from the registry."""
import json
from dataclasses import dataclass, field


@dataclass
class Answer:
    """body: bytes that we hold, or a wire.Body that is still arriving."""
    status: int
    headers: list = field(default_factory=list)
    body: object = b""

    @classmethod
    def json(cls, document, status=200):
        return cls(status, [("Content-Type", "application/json")], json.dumps(document).encode())

    @classmethod
    def error(cls, status, code, message):
        """As a registry says no (OCI distribution, "Error Codes")."""
        return cls.json({"errors": [{"code": code, "message": message}]}, status)

    @classmethod
    def oauth(cls, error, description="", status=400, **more):
        """As an OAuth token endpoint does (RFC 6749 5.2)."""
        words = {"error_description": description} if description else {}
        return cls.json({"error": error, **words, **more}, status)

    @classmethod
    def api(cls, code, status, message):
        """As Google's other services do."""
        return cls.json({"error": {"code": code, "message": message, "status": status}}, code)

    def get(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def set(self, name, value):
        self.remove(name)
        self.headers.append((name, str(value)))

    def remove(self, *names):
        gone = {name.lower() for name in names}
        self.headers = [(k, v) for k, v in self.headers if k.lower() not in gone]

    def held(self):
        """The body as bytes, read to its end."""
        if not isinstance(self.body, bytes):
            self.body = self.body.rest()
        return self.body
