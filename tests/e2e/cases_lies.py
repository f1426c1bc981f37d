"""Registries that say what is not so, in both directions: cases of the table in cases.py."""
from case import EVER, FIRM, case, rule

SOON = ("--settle", "1s")
BOTH = (r"sha256:\w{64}.*OURS",)     # somebody's digest, and ours

# -- the manifest: never 0
case("lie-manifest-not-stored", 10, rule("manifest", "lie", times=EVER), options=SOON)
case("lie-manifest-not-stored-old-tag", 11, rule("manifest", "lie", times=EVER), options=SOON,
     before="old", says=BOTH)
case("lie-manifest-not-stored-once", 0, rule("manifest", "lie"))
case("lie-manifest-not-stored-once-old-tag", 0, rule("manifest", "lie"), before="old")
case("lie-manifest-200", 10, rule("manifest", "lie", times=EVER, status=200), options=SOON)
case("lie-manifest-other-bytes", 11, rule("manifest", "mutate", times=EVER), options=SOON,
     says=BOTH)
case("lie-manifest-other-bytes-once", 11, rule("manifest", "mutate"), options=SOON, says=BOTH)
case("lie-tag-moved", 11, rule("put-tag", "usurp", times=EVER), options=SOON, says=BOTH)
case("lie-tag-moved-once", 11, rule("put-tag", "usurp"), says=(*BOTH, "somebody else pushed"))
case("lie-tag-moved-once-old", 11, rule("put-tag", "usurp"), before="old",
     says=(*BOTH, "somebody else pushed"))
case("lie-manifest-read-corrupt", 3, rule("get-manifest", "corrupt", times=EVER, byte=20),
     options=SOON)
case("lie-manifest-read-corrupt-once", 0, rule("get-tag", "corrupt", byte=20))

# -- blobs
case("lie-layer-lost", 12, rule("put-tag", "lose", times=EVER), options=SOON)
case("lie-layer-lost-once", 0, rule("put-tag", "lose"))
case("lie-config-lost", 12, rule("put-tag", "lose", times=EVER, what="config"), options=SOON)
case("lie-commit-once", 0, rule("commit", "lie"))
case("lie-commit-always", 12, rule("commit", "lie", times=EVER), options=(*FIRM, *SOON))
case("lie-mount", 0, rule("mount", "lie", times=EVER), options=("--mount-from", "acme/web/none"))
case("lie-blob-exists-once", 0, rule("head-blob", "vouch"))
case("lie-blob-exists-four-times", 0, rule("head-blob", "vouch", times=4))
# a registry that checks the manifest's blobs gives itself away
case("lie-blob-exists-for-ever", 0, rule("head-blob", "vouch", times=EVER))
# one that does not is found out by whoever reads the blobs: owed with --depth bytes only
case("lie-blob-exists-for-ever-in-depth", 12, rule("put-tag", "lose", times=EVER),
     rule("head-blob", "vouch", times=EVER), options=("--depth", "bytes", *SOON))
case("lie-blob-corrupt-in-depth", 12, rule("get-blob", "corrupt", times=EVER, byte=99),
     options=("--depth", "bytes", *SOON))
case("lie-blob-exists-other-size", 0, rule("head-blob", "lie", times=4, status=200,
                                           headers={"Content-Length": "7"}))
# the first four ask before the upload, the others are the proof; a read may set HEAD right
SHORT = {"at": "head-blob", "nth": 5, "times": EVER,
         "action": {"do": "headers", "set": {"Content-Length": "3"}}}
case("lie-blob-size-in-head", 0, SHORT, options=SOON)
case("lie-blob-size-in-head-and-read", 12, SHORT,
     rule("get-blob", "answer", times=EVER, status=206, body="x",
          headers={"Content-Range": "bytes 0-0/3"}), options=SOON)

# -- two replicas behind one name, of which one is behind for a while, or for ever
case("replicas-differ-on-blobs", 0, rule("head-blob", "answer", times=6, every=2, status=404))
case("replicas-differ-on-blobs-for-ever", {0, 12}, rule("head-blob", "answer", times=EVER, every=2,
                                                        status=404), options=SOON)
case("replicas-differ-on-the-tag", 0, rule("get-tag", "answer", times=3, every=2, status=404))
case("replicas-differ-on-the-tag-for-ever", 0, rule("get-tag", "answer", times=EVER, every=2,
                                                          status=404), options=SOON)

# -- clumsy truths: never a false alarm
DIGEST = "Docker-Content-Digest"
case("truth-no-digest-header", 0, rule("manifest", "headers", times=EVER, remove=[DIGEST]))
case("truth-no-digest-header-anywhere", 0, {"path": ".", "times": EVER, "action": {
    "do": "headers", "remove": [DIGEST]}})
HEADERS = {"wrong": "sha256:" + "0" * 64, "garbage": "yes", "sha512": "sha512:" + "0" * 128,
           "dots": "sha256:../../../../etc/passwd"}
for name, value in HEADERS.items():
    case(f"truth-{name}-digest-header", 0, {"path": "/manifests/", "times": EVER, "action": {
        "do": "headers", "set": {DIGEST: value}}})
for status in (200, 202, 204):
    case(f"truth-manifest-{status}", 0, rule("manifest", "headers", times=EVER, status=status))
    case(f"truth-commit-{status}", 0, rule("commit", "headers", times=EVER, status=status))
for status in (200, 201, 204):
    case(f"truth-patch-{status}", 0, rule("patch", "headers", times=EVER, status=status))
STORED = {status: {"do": "answer", "status": status} for status in (500, 502, 503, 504)}
for name, then in (STORED | {"answer-lost": {"do": "reset"}}).items():
    for place in ("manifest", "commit"):
        case(f"truth-{place}-stored-{name}", 0, rule(place, "after", times=EVER, then=then))
case("truth-no-api-version", 0, {"path": ".", "authorised": "any", "times": EVER, "action": {
    "do": "headers", "remove": ["Docker-Distribution-Api-Version"]}})
case("truth-head-without-length", 0, rule("head-blob", "headers", times=EVER,
                                          remove=["Content-Length"]))
case("truth-head-blob-403-when-absent", 0, rule("head-blob", "answer", times=4, status=403))
case("truth-patch-without-location", 0, rule("patch", "headers", times=EVER, remove=["Location"]),
     settings={"shape": "query"})
case("truth-commit-without-location", 0, rule("commit", "headers", times=EVER, remove=["Location"]))
