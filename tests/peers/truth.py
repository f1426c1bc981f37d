"""What docker-registry really holds, read from its storage: no client, no HTTP, no cache."""
import hashlib
import json
from pathlib import Path

INDEX_TYPES = ("application/vnd.oci.image.index.v1+json",
               "application/vnd.docker.distribution.manifest.list.v2+json")


class Storage:
    def __init__(self, root):
        self.root = Path(root) / "docker/registry/v2"

    def repository(self, repo):
        return self.root / "repositories" / repo

    def blob_path(self, digest):
        algorithm, _, hex = digest.partition(":")
        return self.root / "blobs" / algorithm / hex[:2] / hex / "data"

    def tag(self, repo, tag):
        """The digest under a tag, or None."""
        link = self.repository(repo) / "_manifests/tags" / tag / "current/link"
        return link.read_text().strip() if link.exists() else None

    def tags(self, repo):
        folder = self.repository(repo) / "_manifests/tags"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []

    def manifest(self, repo, reference):
        """The bytes under a tag or digest, or None."""
        digest = reference if ":" in reference else self.tag(repo, reference)
        if not digest or not self.is_linked(repo, "_manifests/revisions", digest):
            return None
        path = self.blob_path(digest)
        return path.read_bytes() if path.exists() else None

    def is_linked(self, repo, kind, digest):
        algorithm, _, hex = digest.partition(":")
        return (self.repository(repo) / kind / algorithm / hex / "link").exists()

    def layers(self, repo):
        """Digests of all blobs that the repository links."""
        folder = self.repository(repo) / "_layers/sha256"
        return {"sha256:" + p.name for p in folder.iterdir() if (p / "link").exists()} \
            if folder.exists() else set()

    def problems(self, repo, reference):
        """Why the image is not whole; an empty list means that it is."""
        data = self.manifest(repo, reference)
        if data is None:
            return [f"no manifest under {repo} {reference}"]
        digest = reference if ":" in reference else self.tag(repo, reference)
        found = []
        if hash_of(data) != digest:
            found.append(f"manifest {digest} has other bytes")
        manifest = json.loads(data)
        if manifest.get("mediaType") in INDEX_TYPES or "manifests" in manifest:
            for child in manifest["manifests"]:
                found += self.problems(repo, child["digest"])
        else:
            for blob in [manifest["config"], *manifest["layers"]]:
                found += self.blob_problems(repo, blob)
        return found

    def blob_problems(self, repo, blob):
        if blob.get("urls"):
            return []
        digest, path = blob["digest"], self.blob_path(blob["digest"])
        if not self.is_linked(repo, "_layers", digest):
            return [f"blob {digest} is not linked in {repo}"]
        if not path.exists():
            return [f"blob {digest} has no data"]
        if path.stat().st_size != blob["size"]:
            return [f"blob {digest} has the wrong size"]
        if hash_file(path) != digest:
            return [f"blob {digest} has other bytes"]
        return []

    def whole(self, repo, reference):
        return not self.problems(repo, reference)


def hash_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hash_file(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
