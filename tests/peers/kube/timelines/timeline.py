"""The shape of a row in the tables of timelines."""
from dataclasses import dataclass, field

from .scripts import GOOD, Script


@dataclass(frozen=True)
class Timeline:
    """script: of images that come with a change.  init: it is an init container that they meet.
    before: what happened until the play begins, world: what happens once a client has changed the
    template, both as (seconds, what, ...), see Stage.  settings: of the controllers and nodes."""
    name: str
    about: str
    script: Script = GOOD
    kind: str = "Deployment"
    replicas: int = 2
    spec: dict = field(default_factory=dict)
    init: bool = False
    nodes: tuple = (("node-1", "amd64", True),)
    before: tuple = ()
    world: tuple = ()
    settings: dict = field(default_factory=dict)
