"""The ways in which a registry can be pushed to; every fault is tried in each of them."""
import base64
import json
from dataclasses import dataclass, field

from gate import Gate

USER, SECRET = "oauth2accesstoken", "ya29.secret-of-the-torture"
ONE_AT_A_TIME = ("--jobs", "1")     # the order of the requests is the same in every run


@dataclass(frozen=True)
class Way:
    """is_stored: the credential stands in docker's configuration and cannot be renewed."""
    mode: str = "bearer"
    refusal: str = "challenge"                    # of a dead token, see gate.SHAPES
    front: dict = field(default_factory=dict)     # settings of the Front
    options: tuple = ONE_AT_A_TIME
    tags: tuple = ("1",)
    is_stored: bool = False
    from_engine: bool = False                     # its layers are packed on the way

    @property
    def keeps_order(self):
        return "--jobs" in self.options

    def gate(self):
        return Gate(self.mode, refusal=self.refusal).allow(USER, SECRET)

    def credential(self, folder, address):
        """Options that lead to the credential; what they name is written to FOLDER, docker's
        configuration."""
        if self.is_stored:
            pair = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
            write_private(folder / "config.json", json.dumps({"auths": {address: {"auth": pair}}}))
            return ()
        write_private(folder / "credential", SECRET)
        return "--cred", f"file:{folder}/credential", "--cred-user", USER


def write_private(path, text):
    path.touch(0o600)
    path.write_text(text)


WAYS = {
    # the challenge and the uploads of docker-registry
    "bearer": Way(front={"shape": "pass"}),
    # Artifact Registry: a dead token is "Unauthenticated request", uploads and blobs are elsewhere
    "gar": Way(refusal="unauthenticated", options=(*ONE_AT_A_TIME, "--depth", "bytes"),
               front={"shape": "gar", "capability": "dead-refused", "refuse_patch": True,
                      "blobs_elsewhere": True}),
    # docker login with a password, and a second tag
    "password": Way("basic", "basic", {"shape": "pass"},
                    (*ONE_AT_A_TIME, "--additional-tag", "latest"), ("1", "latest"), True),
    # an image of the engine's, of which nothing is known but its ID
    "engine": Way(refusal="unauthenticated", front={"shape": "gar"}, from_engine=True),
    # as everybody runs it: request i is the i-th to arrive
    "workers": Way(refusal="unauthenticated", front={"shape": "gar"}, options=()),
}
