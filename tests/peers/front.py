"""A reverse proxy in front of a real docker-registry that behaves like the registries we fear.

It asks for tokens and lets them die, answers upload Locations of Artifact Registry's shape, follows
a fault plan (faults.py), limits the link, and records what it was asked (record.py).  What it does
not bend it passes on, so that the storage behind it stays the truth.

In a test:      with Front(registry.url, shape="gar", gate=Gate("bearer", life=5)) as front: ...
As a command:   front.py --registry http://127.0.0.1:PORT --token-life 5
                prints its address as the first line of stdout; ends on SIGTERM or end of stdin
"""
import argparse
import json
import signal
import sys
import threading
from urllib.parse import urlsplit

import faults
import server
import uploads
import wire
from answer import Answer
from exchange import Exchange
from gate import SHAPES, Gate
from veil import Veil

class Connection(server.Connection):
    """A client's connection and its own one to the registry."""

    def __init__(self, front, stream, number):
        super().__init__(front, stream, number)
        self.upward = None
        self.forget_upstream = False

    def upstream(self):
        if self.upward and (self.forget_upstream or self.upward.is_stale()):
            self.upward.close()
            self.upward = None
        if not self.upward:
            self.upward = wire.connect(self.server.registry_host, self.server.registry_port)
            self.forget_upstream = False
        return self.upward

    def close(self):
        super().close()
        if self.upward:
            self.upward.close()


class Front(server.Server):
    connection_class, exchange_class = Connection, Exchange

    def __init__(self, registry, gate=None, shape="pass", rules=(), rate=0, tls=None, log=None,
                 capability="open", no_chunks=None, refuse_patch=False, refuse_put_body=False,
                 max_body=0, chunk_min=0, blobs_elsewhere=False):
        """REGISTRY: URL of the real one.  BLOBS_ELSEWHERE: reads lead to the other address.
        TLS: (cert, key[, client CA]).  RATE: bytes per second of all upload bodies together.
        CAPABILITY: auth at Artifact Registry's first Location: open,
        required, or dead-refused (a bare request passes, a dead token does not)."""
        super().__init__(faults.Plan(rules), origins=("front", "other"), rate=rate, tls=tls,
                         log=log)
        parts = urlsplit(registry)
        self.registry_host, self.registry_port = parts.hostname, parts.port
        self.gate = gate or Gate()
        self.veil = Veil()
        self.capability = capability
        self.no_chunks = shape == "gar" if no_chunks is None else no_chunks
        self.blobs_elsewhere = blobs_elsewhere
        self.refuse_patch, self.refuse_put_body = refuse_patch, refuse_put_body
        self.max_body, self.chunk_min = max_body, chunk_min
        self.sizes = {}          # of blobs that "vouch" answers for, as a test knows them
        self.address, self.other = self.addresses["front"], self.addresses["other"]
        self.other_url = f"{self.scheme}://{self.other}"
        self.uploads = uploads.Uploads(shape, self.url, self.other_url)
        self.gate.realm = self.gate.realm or f"{self.url}/v2/token"

    # -- asking the registry on our own account

    def ask_upstream(self, method, target, accept=True):
        stream = wire.connect(self.registry_host, self.registry_port)
        try:
            head = wire.Head([method, target, "HTTP/1.1"],
                             [("Host", self.address), ("Content-Length", "0")])
            if accept:
                head.fields += [("Accept", kind) for kind in MANIFEST_TYPES]
            stream.send(head.encode())
            reply = wire.Head.parse(stream.head_bytes())
            body = wire.Body(stream, reply, none=method == "HEAD", until_close=True)
            return Answer(int(reply.first[1]), reply.fields, body.rest())
        finally:
            stream.close()

    def delete_upstream(self, target):
        return self.ask_upstream("DELETE", target).status


MANIFEST_TYPES = ("application/vnd.oci.image.manifest.v1+json",
                  "application/vnd.oci.image.index.v1+json",
                  "application/vnd.docker.distribution.manifest.v2+json",
                  "application/vnd.docker.distribution.manifest.list.v2+json")


def options():
    p = argparse.ArgumentParser(description="a registry that misbehaves on request")
    p.add_argument("--registry", required=True, metavar="URL", help="the real registry behind")
    p.add_argument("--shape", default="gar", choices=uploads.SHAPES, help="of upload locations")
    p.add_argument("--auth", default="bearer", choices=("none", "basic", "bearer"))
    p.add_argument("--user", default="oauth2accesstoken")
    p.add_argument("--password-file", metavar="FILE", help="holds the password; default: 'secret'")
    p.add_argument("--token-life", type=float, default=3600, metavar="S")
    p.add_argument("--claim-life", metavar="JSON", help="expires_in to claim; 'null' omits it")
    p.add_argument("--refusal", default="challenge", choices=sorted(SHAPES),
                   help="how a dead token is refused")
    p.add_argument("--capability", default="open", choices=("open", "required", "dead-refused"))
    p.add_argument("--rate", type=int, default=0, metavar="BYTES", help="per second, all uploads")
    p.add_argument("--faults", metavar="FILE", help="rules as JSON, see faults.py")
    p.add_argument("--record", metavar="FILE", help="one JSON line a request")
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--client-ca")
    return p.parse_args()


def front_from(args):
    gate = Gate(args.auth, life=args.token_life, refusal=args.refusal)
    if args.claim_life is not None:
        gate.claim = json.loads(args.claim_life)
    password = "secret"
    if args.password_file:
        with open(args.password_file, encoding="utf-8") as file:
            password = file.read().strip()
    gate.allow(args.user, password)
    rules = faults.load(args.faults) if args.faults else ()
    tls = (args.cert, args.key, args.client_ca) if args.cert else None
    return Front(args.registry, gate, args.shape, rules, args.rate, tls, args.record,
                 capability=args.capability)


def main():
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with front_from(options()) as front:
        print(front.address, flush=True)
        # a parent that dies closes our stdin: no front outlives the one who started it
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
        ended.wait()


if __name__ == "__main__":
    main()
