"""The ways in which one request can fail, and the requests at which each of them is possible.

The table follows the one of tests/sim/sim_fault.c; here the registry is a real one.
"""
import re
from dataclasses import dataclass

import actions
import faults

AWAY_S = 0.2             # over before the first repetition of a request that was refused
AWAY_FIRST_S = 0.5       # the program has to start as well
SILENT_S = 60            # longer than anybody listens to silence
LONG_S = 16              # what silence costs where a server is given time for its work

# Kinds of request: positions of faults.py, and the place that a redirect leads to.
PLACES = ("ping", "token", "head-blob", "post", "patch", "commit", "manifest", "get-manifest",
          "get-blob", "storage")
ANYWHERE = frozenset(PLACES)
AUTHORISED = ANYWHERE - {"ping"}         # storage refuses a link that has died
CHANGING = frozenset({"token", "post", "patch", "commit", "manifest"})
BODIES = frozenset({"patch", "commit", "manifest"})
KEEPING = frozenset({"commit", "manifest"})


def place_of(method, target, origin):
    """The kind of a request, None if it is none of PLACES."""
    if origin == "other":
        return "storage"
    for place in PLACES[:-1]:
        methods, path = faults.POSITIONS[place]
        if re.fullmatch(methods, method) and re.search(path, target):
            return place
    return None


@dataclass(frozen=True)
class Fault:
    """action: one of actions.py, or a function (way, place) that makes one."""
    places: frozenset
    action: object
    options: tuple = ()
    costs_s: float = 2                     # roughly, for a sample that has to end in time
    long_at: frozenset = frozenset()       # where it costs LONG_S

    def cost(self, place):
        return LONG_S if place in self.long_at else self.costs_s

    def at(self, way, place):
        return self.action(way, place) if callable(self.action) else self.action


def unauthorized(way, place):
    if place == "token":
        return {"do": "error", "status": 401, "code": "UNAUTHORIZED",
                "message": "No valid credential was supplied."}
    return {"do": "refuse", "shape": "basic" if way.mode == "basic" else "challenge"}


def expired(way, _place):
    return {"do": "refuse", "shape": way.refusal, "kill": "tokens"}


def reset_midway(exchange):
    actions.reset(exchange, after=exchange.body.length // 2)


FAULTS = {
    # an action of the request before: then nobody listens when this one is to be sent
    "refused": Fault(ANYWHERE, {"do": "away", "seconds": AWAY_S}),
    "401": Fault(AUTHORISED, unauthorized),
    "403": Fault(AUTHORISED, {"do": "refuse", "shape": "unauthenticated"}),
    "403-denied": Fault(AUTHORISED, {"do": "refuse", "shape": "denied"}),
    "404": Fault(ANYWHERE, {"do": "error", "status": 404, "code": "NAME_UNKNOWN",
                            "message": "repository name not known to registry"}),
    "429": Fault(ANYWHERE, {"do": "error", "status": 429, "code": "TOOMANYREQUESTS",
                            "message": "slow down"}),
    "500": Fault(ANYWHERE, {"do": "answer", "status": 500, "body": "oops"}),
    "reset-before": Fault(ANYWHERE, {"do": "reset"}),
    "reset-midway": Fault(BODIES, {"do": reset_midway}),
    "reset-after": Fault(CHANGING, {"do": "after", "then": {"do": "reset"}}),
    "stall": Fault(ANYWHERE, {"do": "stall", "seconds": SILENT_S}, ("--stall-timeout", "1s"),
                   costs_s=3, long_at=BODIES),
    "truncated": Fault(ANYWHERE, {"do": "cut", "fin": True}),
    "not-stored": Fault(KEEPING, {"do": "lie"}, costs_s=5),
    "expired-token": Fault(AUTHORISED - {"token", "storage"}, expired),
}


def fits(fault, way, place, body_bytes, status=None):
    """Whether FAULT can happen to such a request, which a plain push has answered with STATUS."""
    if place not in FAULTS[fault].places:
        return False
    if fault == "expired-token":
        return way.mode == "bearer"        # a password does not expire
    if fault == "reset-midway":
        return body_bytes > 1
    return str(status) != fault            # 404 is the truth about what is not there yet
