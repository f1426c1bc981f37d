"""The shape of upload Locations.

docker-registry answers an absolute Location with a `_state` query.  Google Artifact Registry
answers two kinds of relative ones: first a capability URL outside /v2/, then a path with the
literal package "pkg".  A client that builds these itself, or insists on /v2/<name>/, fails here
as it would there.
"""
import re
import secrets
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

SHAPES = ("pass", "gar", "relative", "absolute", "query", "other-host")


@dataclass
class Session:
    id: str
    repo: str
    target: str            # the registry's own path and query; changes with every answer


class Uploads:
    def __init__(self, shape="pass", base="", other=""):
        assert shape in SHAPES, shape
        self.shape, self.base, self.other = shape, base, other
        self.lock = threading.Lock()
        self.sessions = {}

    def find(self, target):
        """The session that TARGET (path and query, as the client sent it) belongs to, or None."""
        found = re.search(r"/uploads?/up-([\w-]+)", target)
        return self.sessions.get(found.group(1)) if found else None

    def is_capability(self, target):
        return target.startswith("/artifacts-uploads/")

    def inward(self, session, target):
        """Where the registry wants what the client sends to TARGET."""
        digest = re.search(r"[?&](digest=[^&]+)", target)
        joint = "&" if "?" in session.target else "?"
        return session.target + (joint + digest.group(1) if digest else "")

    def outward(self, method, repo, session, location):
        """The Location to tell the client, in place of the registry's own."""
        parts = urlsplit(location)
        local = parts.path + (f"?{parts.query}" if parts.query else "")
        if self.shape == "pass":
            return location
        if "/blobs/uploads/" not in parts.path or self.shape == "relative":
            return local
        if session:
            session.target = local
        else:
            session = Session(secrets.token_urlsafe(48), repo, local)
            with self.lock:
                self.sessions[session.id] = session
        return self.render(method, session)

    def render(self, method, session):
        id, repo = "up-" + session.id, session.repo
        if self.shape == "gar":
            project, _, rest = repo.partition("/")
            place = rest.split("/")[0] or "default"
            if method == "POST":
                return f"/artifacts-uploads/namespaces/{project}/repositories/{place}/uploads/{id}"
            return f"/v2/{project}/{place}/pkg/blobs/uploads/{id}"
        if self.shape == "query":
            return f"/v2/{repo}/blobs/uploads/{id}?_state=a%2Fb%3D&part=1"
        return f"{self.other if self.shape == 'other-host' else self.base}/upload/{id}"
