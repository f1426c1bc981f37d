"""The faults that `landed push` is held against.

The ids are stable: other tables, reports and the torture runner name a case by them.  Each case
says what the front does (rules, or settings of the front), with which options the push runs, and
which exit codes are owed.  Whatever the code, the law of test_faults.py holds: 0 means whole.
"""
from dataclasses import dataclass, field


@dataclass
class Case:
    codes: object                            # a code, or a set of them
    rules: list = field(default_factory=list)
    options: tuple = ()
    settings: dict = field(default_factory=dict)
    most_s: float = 20                       # longer than that is a failure too
    before: str = ""                         # what is under the tag already: "old" or "same"


CASES = {}


def case(id, codes, *rules, options=(), settings=None, **more):
    assert id not in CASES, id
    CASES[id] = Case(codes, list(rules), tuple(options), settings or {}, **more)


def rule(at, do, times=1, nth=1, **arguments):
    return {"at": at, "times": times, "nth": nth, "action": {"do": do, **arguments}}


EVER = 0
FIRM = ("--retries", "2")
PLACES = ("ping", "token", "head-blob", "post", "patch", "commit", "manifest", "get-tag")

# -- one fault, and the registry is healthy again: it lands
ONCE = {
    "reset": {"do": "reset"},
    "close": {"do": "close"},
    "cut-head": {"do": "cut", "head": 12},
    "status-500": {"do": "answer", "status": 500, "body": "oops"},
    "status-502-html": {"do": "answer", "status": 502, "body": "<html>Bad Gateway</html>"},
    "status-503": {"do": "answer", "status": 503},
    "status-408": {"do": "answer", "status": 408, "close": "linger"},
    "status-429": {"do": "answer", "status": 429, "headers": {"Retry-After": "1"}},
    "stored-then-reset": {"do": "after", "then": {"do": "reset"}},
    "stored-then-503": {"do": "after", "then": {"do": "answer", "status": 503}},
    "silence": {"do": "stall", "seconds": 30},
    "garbage": {"do": "raw", "text": "\x00\x01\x02 what is this\r\n\r\n"},
}
for place in PLACES:
    for name, action in ONCE.items():
        options = ("--stall-timeout", "1s") if name == "silence" else ()
        # the ping has no token yet; every request counts there
        case(f"once-{name}-at-{place}", 0,
             {"at": place, "authorised": "any", "action": action}, options=options)

case("body-reset-at-once", 0, rule("patch", "reset", after=1))
case("body-reset-midway", 0, rule("patch", "reset", after=100_000))
case("body-reset-each-layer-once", 0, *(rule("patch", "reset", nth=n, after=50_000)
                                        for n in (1, 3, 5)))
case("body-silence-midway", 0, rule("patch", "stall", seconds=30, after=100_000),
     options=("--stall-timeout", "1s"))
case("body-503-before-it-is-read", 0, rule("patch", "answer", status=503, close="linger"))
case("body-503-abrupt", 0, rule("patch", "answer", status=503, close="abrupt"))
case("body-413-midway-once", {0, 30}, rule("patch", "answer", status=413, close="linger"))
case("answer-cut-token", 0, rule("token", "cut", bytes=9))
case("answer-truncated-token", 0, rule("token", "cut", bytes=9, fin=True))
case("answer-cut-manifest-read", 0, rule("get-tag", "cut", bytes=40))
case("answer-truncated-manifest-read", 0, rule("get-tag", "cut", bytes=40, fin=True))
case("answer-slow-commit", 0, rule("commit", "delay", seconds=2))
case("answer-slow-manifest", 0, rule("manifest", "delay", seconds=2))
case("answer-dripping-head", {0, 30}, rule("manifest", "drip", pause=0.02, size=4))
case("manifest-503-three-times", 0, rule("manifest", "answer", times=3, status=503))
case("manifest-reset-three-times", 0, rule("manifest", "reset", times=3))
case("every-place-once", 0, *(rule(place, "reset") for place in PLACES))
case("manifest-stored-then-dropped", 0, rule("manifest", "after", then={"do": "close"}))
case("commit-stored-then-dropped", 0, rule("commit", "after", then={"do": "close"}))
case("commit-stored-then-unknown", 0, rule("commit", "after", then={
    "do": "error", "status": 404, "code": "BLOB_UPLOAD_UNKNOWN", "message": "upload unknown"}))
case("upload-forgotten", 0, rule("patch", "error", status=404, code="BLOB_UPLOAD_UNKNOWN",
                                 message="upload unknown"))
case("commit-digest-invalid-once", 0, rule("commit", "error", status=400, code="DIGEST_INVALID",
                                           message="provided digest did not match"))

# -- rate limits
for name, form in {"seconds": "1", "date": "+1", "zero": "0", "negative": "-5", "words": "soon",
                   "huge-number": "9" * 40, "absent": None}.items():
    capped = ("--timeout", "10s") if name == "huge-number" else ()
    case(f"retry-after-{name}", {0, 32, 31} if capped else 0,
         rule("manifest", "answer", status=429, headers={"Retry-After": form} if form else {}),
         options=capped)
case("retry-after-a-day", {31, 32}, rule("manifest", "answer", times=EVER, status=429,
                                         headers={"Retry-After": "86400"}),
     options=("--timeout", "5s"), most_s=10)
case("rate-limited-for-ever", 32, rule("post", "answer", times=EVER, status=429), options=FIRM)
case("rate-limited-503-retry-after", 0, rule("post", "answer", status=503,
                                             headers={"Retry-After": "1"}))

# -- failures that stay: the right code, in time
case("down-500-at-post", 30, rule("post", "answer", times=EVER, status=500), options=FIRM)
case("down-503-at-manifest", {30, 3}, rule("manifest", "answer", times=EVER, status=503),
     options=FIRM)
case("down-reset-at-patch", 30, rule("patch", "reset", times=EVER, after=1000), options=FIRM)
case("down-silent", {30, 31}, {"path": ".", "authorised": "any", "times": EVER,
                               "action": {"do": "stall", "seconds": 60}},
     options=("--timeout", "3s"), most_s=6)
case("down-silent-at-manifest", {3, 31}, rule("manifest", "stall", times=EVER, seconds=60),
     options=("--timeout", "4s"), most_s=12)
case("down-after-manifest", 3, rule("get-manifest", "reset", times=EVER),
     rule("head-manifest", "reset", times=EVER), options=(*FIRM, "--settle", "1s"))
case("down-after-manifest-500", 3, rule("get-manifest", "answer", times=EVER, status=500),
     rule("head-manifest", "answer", times=EVER, status=500), options=(*FIRM, "--settle", "1s"))
case("timeout-on-a-slow-link", 31, settings={"rate": 40_000}, options=("--timeout", "3s"), most_s=6)
case("repository-unknown-404", 21, rule("post", "error", times=EVER, status=404,
                                        code="NAME_UNKNOWN", message="repository name not known"))
case("repository-unknown-405", 21, rule("post", "answer", times=EVER, status=405))
IMMUTABLE = rule("put-tag", "error", times=EVER, status=400, code="DENIED",
                 message="The repository has enabled tag immutability. Cannot overwrite tag")
case("tag-immutable", {21, 30, 11}, IMMUTABLE, before="old")
case("tag-immutable-same-digest", 0, IMMUTABLE, before="same")
case("manifest-invalid", {1, 30, 41}, rule("manifest", "error", times=EVER, status=400,
                                           code="MANIFEST_INVALID", message="manifest invalid"),
     options=FIRM)
case("manifest-too-large", {1, 30, 41}, rule("manifest", "answer", times=EVER, status=413),
     options=FIRM)

# -- lies: never 0
case("lie-manifest-not-stored", 10, rule("manifest", "lie", times=EVER), options=("--settle", "1s"))
case("lie-manifest-not-stored-old-tag", 11, rule("manifest", "lie", times=EVER),
     options=("--settle", "1s"), before="old")
case("lie-manifest-200", 10, rule("manifest", "lie", times=EVER, status=200),
     options=("--settle", "1s"))
case("lie-manifest-other-bytes", 11, rule("manifest", "mutate", times=EVER),
     options=("--settle", "1s"))
case("lie-tag-moved", 11, rule("put-tag", "usurp", times=EVER), options=("--settle", "1s"))
case("lie-layer-lost", 12, rule("put-tag", "lose", times=EVER), options=("--settle", "1s"))
case("lie-config-lost", 12, rule("put-tag", "lose", times=EVER, what="config"),
     options=("--settle", "1s"))
case("lie-commit-once", 0, rule("commit", "lie"))
case("lie-commit-always", {10, 12, 30}, rule("commit", "lie", times=EVER),
     options=(*FIRM, "--settle", "1s"))
case("lie-mount", 0, rule("mount", "lie", times=EVER), options=("--mount-from", "acme/web/none"))
case("lie-blob-exists-once", 0, rule("head-blob", "lie", status=200))
case("lie-blob-exists-other-size", 0, rule("head-blob", "lie", times=4, status=200,
                                           headers={"Content-Length": "7"}))
case("lie-manifest-read-corrupt", {3, 11, 12}, rule("get-manifest", "corrupt", times=EVER, byte=20),
     options=("--settle", "1s"))
case("lie-manifest-read-corrupt-once", 0, rule("get-tag", "corrupt", byte=20))
case("lie-blob-corrupt-in-depth", 12, rule("get-blob", "corrupt", times=EVER, byte=99),
     options=("--depth", "bytes", "--settle", "1s"))
# the first four ask before the upload, the others are the proof; HEAD alone may be set right by a read
SHORT = {"at": "head-blob", "nth": 5, "times": EVER,
         "action": {"do": "headers", "set": {"Content-Length": "3"}}}
case("lie-blob-size-in-head", {0, 12}, SHORT, options=("--settle", "1s"))
case("lie-blob-size-in-head-and-read", 12, SHORT,
     rule("get-blob", "answer", times=EVER, status=206, body="x",
          headers={"Content-Range": "bytes 0-0/3"}), options=("--settle", "1s"))

# -- clumsy truths: never a false alarm
case("truth-no-digest-header", 0, rule("manifest", "headers", times=EVER,
                                       remove=["Docker-Content-Digest"]))
case("truth-no-digest-header-anywhere", 0, {"path": ".", "times": EVER, "action": {
    "do": "headers", "remove": ["Docker-Content-Digest"]}})
case("truth-wrong-digest-header", 0, rule("manifest", "headers", times=EVER,
                                          set={"Docker-Content-Digest": "sha256:" + "0" * 64}))
case("truth-garbage-digest-header", 0, rule("manifest", "headers", times=EVER,
                                            set={"Docker-Content-Digest": "yes"}))
for status in (200, 202, 204):
    case(f"truth-manifest-{status}", 0, rule("manifest", "headers", times=EVER, status=status))
    case(f"truth-commit-{status}", 0, rule("commit", "headers", times=EVER, status=status))
for status in (200, 201, 204):
    case(f"truth-patch-{status}", 0, rule("patch", "headers", times=EVER, status=status))
case("truth-no-api-version", 0, {"path": ".", "authorised": "any", "times": EVER, "action": {
    "do": "headers", "remove": ["Docker-Distribution-Api-Version"]}})
case("truth-head-without-length", 0, rule("head-blob", "headers", times=EVER,
                                          remove=["Content-Length"]))
case("truth-head-405", 0, rule("head-manifest", "answer", times=EVER, status=405))
case("truth-head-blob-403-when-absent", {0, 21}, rule("head-blob", "answer", times=4, status=403))
case("truth-patch-without-location", 0, rule("patch", "headers", times=EVER, remove=["Location"]),
     settings={"shape": "query"})
case("truth-commit-without-location", 0, rule("commit", "headers", times=EVER, remove=["Location"]))

# -- late: seen after a while, or not in time
case("late-two-seconds", 0, rule("manifest", "late", seconds=2))
case("late-two-seconds-old", 0, rule("put-tag", "late", seconds=2, old=True), before="old")
case("late-too-long", 10, rule("manifest", "late", seconds=60), options=("--settle", "2s"))
case("late-too-long-old", 11, rule("put-tag", "late", seconds=60, old=True),
     options=("--settle", "2s"), before="old")

# -- the quirks of registries
case("quirk-pass", 0, settings={"shape": "pass"})
case("quirk-relative", 0, settings={"shape": "relative"})
case("quirk-absolute", 0, settings={"shape": "absolute"})
case("quirk-query", 0, settings={"shape": "query"})
case("quirk-other-host", 0, settings={"shape": "other-host"})
case("quirk-no-patch", 0, settings={"shape": "pass", "refuse_patch": True})
case("quirk-no-put-body", 0, settings={"refuse_put_body": True})
case("quirk-no-chunks", 0, settings={"shape": "pass", "no_chunks": True})
case("quirk-size-limit", {0, 30}, settings={"shape": "pass", "max_body": 150_000})
case("quirk-dead-token-at-capability", 0, settings={"capability": "dead-refused"})
for status in (307, 308):
    case(f"redirect-{status}-body", 0, rule("patch", "redirect", times=EVER, status=status),
         settings={"shape": "pass"})
case("redirect-301-at-commit", {0, 30}, rule("commit", "redirect", status=301, to="self"))
case("redirect-blob-reads", 0, rule("get-blob", "redirect", times=EVER, status=302),
     options=("--depth", "bytes"))
case("redirect-loop", {3, 30}, rule("get-tag", "redirect", times=EVER, status=307, to="self"),
     options=(*FIRM, "--settle", "1s"))

# -- not a registry, or an enemy
EVERYTHING = {"path": ".", "authorised": "any", "times": EVER}
HTML = {"Content-Type": "text/html"}
case("hostile-html-for-everything", 30, EVERYTHING | {"action": {
    "do": "answer", "status": 200, "headers": HTML, "body": "<html>welcome</html>"}})
case("hostile-redirect-to-html", 30, {"path": "^/v2/", "authorised": "any", "times": EVER,
                                      "action": {"do": "redirect", "status": 302, "to": "self",
                                                 "path": "/welcome"}},
     {"path": "^/welcome", "authorised": "any", "times": EVER, "action": {
         "do": "answer", "status": 200, "headers": HTML, "body": "<html>welcome</html>"}})
case("hostile-404-for-everything", {21, 30}, EVERYTHING | {"action": {
    "do": "answer", "status": 404, "body": "not here"}}, options=FIRM)
case("hostile-garbage-for-everything", 30, EVERYTHING | {"action": {
    "do": "raw", "text": "SSH-2.0-OpenSSH_9.2\r\n"}}, options=FIRM)
case("hostile-flood-at-ping", {20, 30}, EVERYTHING | {"action": {"do": "flood"}}, options=FIRM)
case("hostile-flood-at-token", {20, 22, 30}, rule("token", "flood", times=EVER),
     options=(*FIRM, "--renew-wait", "1s"))
case("hostile-flood-at-error", {30}, rule("post", "flood", times=EVER, status=500), options=FIRM)
case("hostile-flood-at-manifest-read", {3, 11, 12, 30}, rule("get-manifest", "flood", times=EVER),
     options=(*FIRM, "--settle", "1s"))
case("hostile-header-bomb", 30, EVERYTHING | {"action": {
    "do": "answer", "status": 200, "headers": {f"X-{n}": "x" * 8000 for n in range(200)}}},
     options=FIRM)
case("hostile-endless-continue", {0, 30}, rule("post", "raw",
                                               text="HTTP/1.1 100 Continue\r\n\r\n" * 20_000))
LOCATIONS = {
    "absent": None, "empty": "", "file": "file:///etc/passwd", "no-scheme-host": "//",
    "metadata": "http://169.254.169.254/computeMetadata/v1/", "spaces": "/v2/ /x",
    "port": "http://127.0.0.1:99999/", "control": "/v2/\x01\x02", "fragment": "#",
    "user": "http://a:b@127.0.0.1:1/",
}
for name, location in LOCATIONS.items():
    headers = {} if location is None else {"Location": location}
    case(f"hostile-location-{name}", 30, rule("post", "answer", times=EVER, status=202,
                                              headers=headers), options=FIRM)
TOKENS = {
    "empty": "", "not-json": "{oops", "array": "[]", "no-token": "{}", "number": '{"token": 5}',
    "null": '{"token": null}', "blank": '{"token": ""}', "html": "<html>login</html>",
    "newline": '{"token": "a\\r\\nX-Evil: 1"}', "nul": '{"token": "a\\u0000b"}',
    "deep": "[" * 50_000,
}
for name, body in TOKENS.items():
    case(f"hostile-token-{name}", {20, 22, 30}, rule(
        "token", "answer", times=EVER, status=200, headers={"Content-Type": "application/json"},
        body=body), options=(*FIRM, "--renew-wait", "1s"))
CHALLENGES = {
    "empty": "", "no-realm": "Bearer", "unclosed": 'Bearer realm="http://x', "commas": ",,,,",
    "unknown": "Negotiate abc", "long": "Bearer " + "a=b," * 5000, "binary": "\xff\xfe\xfd",
}
for name, challenge in CHALLENGES.items():
    case(f"hostile-challenge-{name}", {20, 22, 30}, EVERYTHING | {"action": {
        "do": "answer", "status": 401, "headers": {"WWW-Authenticate": challenge}}},
         options=(*FIRM, "--renew-wait", "1s"))
ERROR_BODIES = {
    "empty": "", "html": "<html>", "not-utf8": "\xff\xfe", "errors-object": '{"errors": {}}',
    "errors-number": '{"errors": [5]}', "escape": "\x1b[31mred\x1b[2J",
    "code-null": '{"errors": [{"code": null, "message": 7}]}',
}
for name, body in ERROR_BODIES.items():
    case(f"hostile-error-body-{name}", {20, 21}, rule("post", "answer", times=EVER, status=403,
                                                      body=body),
         options=(*FIRM, "--renew-wait", "1s"))
