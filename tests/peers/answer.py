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
    def error(cls, status, code, message):
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        return cls(status, [("Content-Type", "application/json")], body)

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
