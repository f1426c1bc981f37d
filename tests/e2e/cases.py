"""The faults that `landed push` is held against: everything here but lies and enemies, which have
files of their own and stand in the same table.

The ids are stable: docs/reliability.md and reports name a case by them.  Each case says what the
front does (rules, or settings of the front), with which options the push runs, and which exit codes
are owed.  Whatever the code, the law of test_faults.py holds: 0 means whole.
"""
from case import CASES, EVER, FIRM, PLACES, any_rule, case, error, rule
import cases_hostile  # noqa: F401
import cases_lies  # noqa: F401

__all__ = ["CASES"]

# -- one fault, and the registry is healthy again: it lands
ONCE = {
    "reset": {"do": "reset"},
    "close": {"do": "close"},
    "cut-head": {"do": "cut", "head": 12},
    "hang-up": {"do": "hang_up"},
    "status-500": {"do": "answer", "status": 500, "body": "<html>Internal Server Error</html>"},
    "status-502-html": {"do": "answer", "status": 502, "body": "<html>Bad Gateway</html>"},
    "status-503": {"do": "answer", "status": 503},
    "status-504-html": {"do": "answer", "status": 504, "body": "<html>Gateway Time-out</html>"},
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

case("every-place-once", 0, *({"at": place, "authorised": "any", "action": {"do": "reset"}}
                              for place in PLACES))

# -- the body of a blob
for name, size in {"at-once": 1, "midway": 100_000, "at-the-end": 199_000}.items():
    case(f"body-reset-{name}", 0, rule("patch", "reset", after=size))
case("body-reset-each-layer-once", 0, rule("patch", "reset", times=4, after=50_000))
case("body-silence-midway", 0, rule("patch", "stall", seconds=30, after=100_000),
     options=("--stall-timeout", "1s"))
case("body-503-before-it-is-read", 0, rule("patch", "answer", status=503, close="linger"))
case("body-503-abrupt", 0, rule("patch", "answer", status=503, close="abrupt"))
case("body-413-midway-once", 0, rule("patch", "answer", status=413, close="linger"))

# -- answers that break off, or take their time
case("answer-cut-token", 0, rule("token", "cut", bytes=9))
case("answer-truncated-token", 0, rule("token", "cut", bytes=9, fin=True))
case("answer-cut-manifest-read", 0, rule("get-tag", "cut", bytes=40))
case("answer-truncated-manifest-read", 0, rule("get-tag", "cut", bytes=40, fin=True))
case("answer-cut-blob-read", 0, rule("get-blob", "cut", bytes=50_000), options=("--depth", "bytes"))
case("answer-truncated-blob-read", 0, rule("get-blob", "cut", bytes=50_000, fin=True),
     options=("--depth", "bytes"))
case("answer-slow-token", 0, rule("token", "delay", seconds=4))
case("answer-slow-commit", 0, rule("commit", "delay", seconds=2))
case("answer-slow-manifest", 0, rule("manifest", "delay", seconds=2))
case("answer-dripping-head", 0, rule("manifest", "drip", pause=0.02, size=4))
case("slow-loris-at-token", 0, rule("token", "drip", pause=0.5))
# the manifest has arrived and only its answer takes for ever: then the proof is all that is needed
for place, codes in {"token": 31, "post": 31, "manifest": 0, "get-tag": 31}.items():
    case(f"slow-loris-for-ever-at-{place}", codes, rule(place, "drip", times=EVER, pause=0.5),
         options=("--timeout", "4s"), most_s=12)

# -- more than once, and answers that were lost
case("manifest-503-three-times", 0, rule("manifest", "answer", times=3, status=503))
case("manifest-reset-three-times", 0, rule("manifest", "reset", times=3))
case("manifest-stored-then-dropped", 0, rule("manifest", "after", then={"do": "close"}))
case("commit-stored-then-dropped", 0, rule("commit", "after", then={"do": "close"}))
case("commit-stored-then-unknown", 0, rule("commit", "after", then={
    "do": "error", "status": 404, "code": "BLOB_UPLOAD_UNKNOWN", "message": "upload unknown"}))

# -- the token endpoint stumbles
JSON = {"Content-Type": "application/json"}
for name, body in {"malformed": "{oops", "empty": "", "html": "<html>login</html>",
                   "without-a-token": "{}"}.items():
    case(f"token-{name}-once", 0, rule("token", "answer", status=200, headers=JSON, body=body))
case("token-503-three-times", 0, rule("token", "answer", times=3, status=503))
case("token-429-for-a-while", 0, rule("token", "answer", times=4, status=429,
                                      headers={"Retry-After": "1"}))
case("token-hangs-once", 0, rule("token", "stall", seconds=60))
case("token-hangs-for-ever", 31, rule("token", "stall", times=EVER, seconds=60),
     options=("--timeout", "4s"), most_s=8)
case("token-500-for-ever", 30, rule("token", "answer", times=EVER, status=500), options=FIRM)

# -- the registry changes its mind once
case("upload-forgotten", 0, error("patch", 404, "BLOB_UPLOAD_UNKNOWN", "upload unknown"))
case("upload-forgotten-at-commit", 0, error("commit", 404, "BLOB_UPLOAD_UNKNOWN", "upload unknown"))
case("commit-digest-invalid-once", 0, error("commit", 400, "DIGEST_INVALID",
                                            "provided digest did not match"))
UNKNOWN = ("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
for status in (400, 404):
    case(f"manifest-blob-unknown-{status}-once", 0, error("manifest", status, *UNKNOWN))
case("manifest-blob-unknown-for-ever", 12, error("manifest", 404, *UNKNOWN, times=EVER),
     says=("MANIFEST_BLOB_UNKNOWN",))

# -- rate limits
for name, form in {"seconds": "1", "date": "+1", "zero": "0", "negative": "-5", "words": "soon",
                   "past": "Thu, 01 Jan 1970 00:00:00 GMT", "absent": None}.items():
    case(f"retry-after-{name}", 0, rule("manifest", "answer", status=429,
                                        headers={"Retry-After": form} if form else {}))
case("retry-after-huge-number", 31, rule("manifest", "answer", status=429,
                                               headers={"Retry-After": "9" * 40}),
     options=("--timeout", "5s"), most_s=10)
case("retry-after-a-day", 31, rule("manifest", "answer", times=EVER, status=429,
                                         headers={"Retry-After": "86400"}),
     options=("--timeout", "5s"), most_s=10)
case("rate-limited-for-ever", 32, rule("post", "answer", times=EVER, status=429), options=FIRM)
case("rate-limited-503-retry-after", 0, rule("post", "answer", status=503,
                                             headers={"Retry-After": "1"}))

# -- failures that stay: the right code, in time
case("down-500-at-post", 30, rule("post", "answer", times=EVER, status=500), options=FIRM)
case("down-503-at-manifest", 3, rule("manifest", "answer", times=EVER, status=503),
     options=FIRM)
case("down-reset-at-patch", 30, rule("patch", "reset", times=EVER, after=1000), options=FIRM)
case("down-silent", 31, any_rule("stall", seconds=60), options=("--timeout", "3s"), most_s=6)
case("down-silent-at-manifest", 3, rule("manifest", "stall", times=EVER, seconds=60),
     options=("--timeout", "4s"), most_s=12)
case("down-after-manifest", 3, rule("get-manifest", "reset", times=EVER),
     options=(*FIRM, "--settle", "1s"), says=("verify --expect OURS",))
case("down-after-manifest-500", 3, rule("get-manifest", "answer", times=EVER, status=500),
     options=(*FIRM, "--settle", "1s"))
case("timeout-on-a-slow-link", 31, settings={"rate": 40_000}, options=("--timeout", "3s"), most_s=6)

# -- refusals that stay: the registry's own words are the evidence
case("repository-unknown-404", 21, error("post", 404, "NAME_UNKNOWN", "repository name not known",
                                         times=EVER), says=("repository name not known",))
case("repository-unknown-405", 21, rule("post", "answer", times=EVER, status=405))
case("manifest-invalid", 1, error("manifest", 400, "MANIFEST_INVALID", "manifest invalid",
                                            times=EVER), options=FIRM, says=("manifest invalid",))
case("manifest-too-large", 30, rule("manifest", "answer", times=EVER, status=413),
     options=FIRM)
IMMUTABLE = {
    "tag-immutable": (400, "DENIED", "The repository has enabled tag immutability. Cannot "
                                     "overwrite tag"),
    "tag-immutable-403": (403, "DENIED", "tag 1 is immutable"),
    "tag-immutable-409": (409, "TAG_INVALID", "The image tag '1' already exists and cannot be "
                                              "overwritten because the repository is immutable"),
    "tag-immutable-412": (412, "PRECONDITION", "Failed to process request due to '1' configured "
                                               "as immutable"),
}
for name, words in IMMUTABLE.items():
    case(name, 11, error("put-tag", *words, times=EVER), before="old",
         options=("--renew-wait", "1s"), says=(r"sha256:\w{64}.*OURS",))
# without the first rule the push would see that it has landed, and send nothing
case("tag-immutable-same-digest", 0,
     error("get-tag", 404, "MANIFEST_UNKNOWN", "manifest unknown", times=2),
     error("put-tag", *IMMUTABLE["tag-immutable"], times=EVER), before="same")

# -- late: seen after a while, or not in time
case("late-two-seconds", 0, rule("manifest", "late", seconds=2))
case("late-five-seconds", 0, rule("manifest", "late", seconds=5))
case("late-two-seconds-old", 0, rule("put-tag", "late", seconds=2, old=True), before="old")
case("late-too-long", 10, rule("manifest", "late", seconds=60), options=("--settle", "2s"),
     says=("may yet appear",))
case("late-too-long-old", 11, rule("put-tag", "late", seconds=60, old=True),
     options=("--settle", "2s"), before="old", says=("may yet appear",))
case("late-blobs", 0, rule("head-blob", "answer", nth=5, times=8, status=404))

# -- the quirks of registries
for shape in ("pass", "relative", "absolute", "query", "other-host"):
    case(f"quirk-{shape}", 0, settings={"shape": shape})
case("quirk-head-405", 0, rule("head-blob", "answer", times=EVER, status=405))
case("quirk-no-patch", 0, settings={"shape": "pass", "refuse_patch": True})
case("quirk-no-put-body", 0, rule("patch", "answer", status=405),
     settings={"shape": "pass", "refuse_put_body": True})
case("quirk-no-form-at-all", 30, settings={"shape": "pass", "refuse_patch": True,
                                           "refuse_put_body": True})
case("quirk-no-chunks", 0, settings={"shape": "pass", "no_chunks": True})
case("quirk-size-limit", 0, settings={"shape": "pass", "max_body": 150_000})
case("quirk-size-limit-of-a-mebibyte", 0, settings={"shape": "pass", "max_body": 1 << 20},
     size=9_000_000)
case("quirk-size-limit-and-no-chunks", 30, settings={"shape": "pass", "max_body": 150_000,
                                                     "no_chunks": True})


def is_whole(exchange):
    return not exchange.head.get("Content-Range")


def is_chunk(exchange):
    return not is_whole(exchange)


case("patch-416-once", 0, rule("patch", "answer", status=416))
WHOLE_416 = rule("patch", "answer", times=EVER, status=416, when=is_whole)
case("patch-416-when-whole", 0, WHOLE_416, settings={"shape": "pass"}, size=15_000_000)
case("chunk-416-once", 0, WHOLE_416, rule("patch", "answer", status=416, when=is_chunk),
     settings={"shape": "pass"}, size=15_000_000)
case("chunk-upload-forgotten", 0, WHOLE_416,
     error("patch", 404, "BLOB_UPLOAD_UNKNOWN", "upload unknown", nth=5, when=is_chunk),
     settings={"shape": "pass"}, size=15_000_000)

# -- places that want a token, or none
case("quirk-dead-token-at-capability", 0, rule("patch", "pass", kill="tokens"),
     settings={"capability": "dead-refused"})
case("capability-that-takes-no-token", 0, {
    "path": "^/artifacts-uploads/", "authorised": "any", "times": EVER,
    "when": lambda exchange: exchange.head.get("Authorization"),
    "action": {"do": "refuse", "shape": "challenge"}})
case("other-host-401-once", 0, {"at": "patch", "origin": "other", "action": {
    "do": "answer", "status": 401}}, settings={"shape": "other-host"})
case("other-host-401-for-ever", 20, {"at": "patch", "origin": "other", "times": EVER, "action": {
    "do": "answer", "status": 401}}, settings={"shape": "other-host"})

# -- redirects
for status in (301, 302, 307, 308):
    for place in ("post", "commit", "manifest", "get-tag", "head-blob"):
        case(f"redirect-{status}-at-{place}", 0, rule(place, "redirect", times=EVER, status=status))
for status in (307, 308):
    case(f"redirect-{status}-body", 0, rule("patch", "redirect", times=EVER, status=status),
         settings={"shape": "pass"})
case("redirect-303-at-post", 30, rule("post", "redirect", times=EVER, status=303), options=FIRM)
case("redirect-301-to-itself-once", 0, rule("commit", "redirect", status=301, to="self"))
case("redirect-blob-reads", 0, rule("get-blob", "redirect", times=EVER, status=302),
     options=("--depth", "bytes"))

# -- mounts
for status in (202, 400, 405, 500):
    case(f"mount-{status}", 0, rule("mount", "nomount", times=EVER) if status == 202 else
         rule("mount", "answer", times=EVER, status=status), options=("--mount-from", "acme/none"))
case("mount-not-allowed", 0, rule("mount", "refuse", times=EVER, shape="denied"),
     options=("--mount-from", "acme/none", "--renew-wait", "1s"))
