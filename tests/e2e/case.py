"""What a case of the table of faults is, and the words that cases.py writes the table with."""
from dataclasses import dataclass, field


@dataclass
class Case:
    codes: object                            # a code, or a set of them
    rules: list = field(default_factory=list)
    options: tuple = ()
    settings: dict = field(default_factory=dict)
    most_s: float = 20                       # longer than that is a failure too
    before: str = ""                         # what is under the tag already: "old" or "same"
    says: tuple = ()                         # patterns in stderr; OURS is the digest that was sent
    size: int = 600_000                      # of the image, in three layers


CASES = {}
EVER = 0
FIRM = ("--retries", "2")
PLACES = ("ping", "token", "head-blob", "post", "patch", "commit", "manifest", "get-tag")


def case(id, codes, *rules, options=(), settings=None, **more):
    assert id not in CASES, id
    CASES[id] = Case(codes, list(rules), tuple(options), settings or {}, **more)


def rule(at, do, times=1, nth=1, every=1, when=None, **arguments):
    return {"at": at, "times": times, "nth": nth, "every": every, "when": when,
            "action": {"do": do, **arguments}}


def any_rule(do, path=".", **arguments):
    """Every request, with a token or without."""
    return {"path": path, "authorised": "any", "times": EVER, "action": {"do": do, **arguments}}


def error(at, status, code, message, **more):
    """The registry's own way of saying no."""
    return rule(at, "error", status=status, code=code, message=message, **more)
