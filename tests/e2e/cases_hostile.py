"""Not a registry, or an enemy: cases of the table in cases.py.  What they may cost in memory is in
test_hostile.py, whom they learn a secret from in test_auth.py."""
from case import EVER, FIRM, any_rule, case, rule

HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
BRIEF = (*FIRM, "--renew-wait", "1s", "--settle", "1s")

# -- a server that is no registry
case("hostile-html-for-everything", 30, any_rule("answer", status=200, headers=HTML,
                                                 body="<html>welcome</html>"))
case("hostile-redirect-to-html", 30, {
    "path": "^/v2/", "authorised": "any", "times": EVER,
    "action": {"do": "redirect", "status": 302, "to": "self", "path": "/welcome"}},
     any_rule("answer", "^/welcome", status=200, headers=HTML, body="<html>welcome</html>"))
case("hostile-404-for-everything", 30, any_rule("answer", status=404, body="not here"),
     options=FIRM)
case("hostile-201-for-everything", 30, any_rule("answer", status=201, headers=JSON, body="{}"),
     options=FIRM)
for status in (200, 201, 202, 204, 302):
    # a ping and a token endpoint that are right, and nothing behind them
    case(f"hostile-{status}-behind-a-good-ping", 30, any_rule(
        "answer", "^/v2/(?!$|token)", status=status, headers=JSON, body="{}"), options=FIRM)
case("hostile-garbage-for-everything", 30, any_rule("raw", text="SSH-2.0-OpenSSH_9.2\r\n"),
     options=FIRM)

# -- answers without end
case("hostile-flood-at-ping", 30, any_rule("flood"), options=FIRM)
case("hostile-flood-at-token", 30, rule("token", "flood", times=EVER), options=BRIEF)
case("hostile-flood-at-error", 30, rule("post", "flood", times=EVER, status=500), options=FIRM)
case("hostile-flood-at-manifest-read", 3, rule("get-manifest", "flood", times=EVER),
     options=BRIEF)
for form in ("header", "headers"):
    case(f"hostile-endless-{form}-at-ping", 30, any_rule("flood", of=form), options=FIRM)
    case(f"hostile-endless-{form}-at-commit", 30, rule("commit", "flood", times=EVER, of=form),
         options=FIRM)
case("hostile-header-bomb", 30, any_rule("answer", status=200, headers={
    f"X-{n}": "x" * 8000 for n in range(200)}), options=FIRM)
case("hostile-endless-continue", 0, rule("post", "raw",
                                               text="HTTP/1.1 100 Continue\r\n\r\n" * 20_000))

# -- answers that unpack to something large, or are nested deeper than anybody needs
case("hostile-bomb-at-ping", 30, any_rule("bomb"), options=BRIEF)
case("hostile-bomb-at-token", 30, rule("token", "bomb", times=EVER), options=BRIEF)
case("hostile-bomb-at-manifest-read", 3, rule("get-manifest", "bomb", times=EVER),
     options=BRIEF)
MANIFESTS = {
    "deep": '{"layers":' + "[" * 50_000, "nul": '{"schemaVersion": 2, "a\\u0000": 1}', "empty": "",
    "raw-nul": '{"schemaVersion": 2\x00}',
    "dots": '{"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest'
            '.v1+json", "digest": "sha256:../../../x", "size": 1}]}',
}
for name, body in MANIFESTS.items():
    case(f"hostile-manifest-{name}", 3, rule(
        "get-manifest", "answer", times=EVER, status=200, body=body,
        headers={"Content-Type": "application/vnd.oci.image.index.v1+json"}), options=BRIEF)

# -- where an upload, or a request, is sent on to
LOCATIONS = {
    "absent": None, "empty": "", "file": "file:///etc/passwd", "no-scheme-host": "//",
    "metadata": "http://169.254.169.254/computeMetadata/v1/", "spaces": "/v2/ /x",
    "port": "http://127.0.0.1:99999/", "control": "/v2/\x01\x02", "nul": "/v2/\x00/x",
    "fragment": "#", "user": "http://a:b@127.0.0.1:1/",
}
for name, location in LOCATIONS.items():
    headers = {} if location is None else {"Location": location}
    case(f"hostile-location-{name}", 30, rule("post", "answer", times=EVER, status=202,
                                              headers=headers), options=FIRM)
# a HEAD that leads nowhere is asked again as a GET
for place, codes in {"ping": 30, "token": 22, "head-blob": 0, "post": 30, "patch": 30,
                     "commit": 30, "manifest": 30, "get-tag": 3}.items():
    case(f"redirect-loop-at-{place}", codes, {
        "at": place, "authorised": "any", "times": EVER,
        "action": {"do": "redirect", "status": 307, "to": "self"}}, options=BRIEF)
INSIDE = {"metadata": "http://169.254.169.254/latest/meta-data", "file": "file:///etc/passwd",
          "nowhere": "http://127.0.0.1:1/"}
for name, place in INSIDE.items():
    for what, codes in {"post": 30, "head-blob": 0 if name == "file" else 30,
                        "get-tag": 3}.items():
        case(f"redirect-to-{name}-at-{what}", codes, rule(
            what, "redirect", times=EVER, status=307, to=place), options=BRIEF)

# -- tokens, challenges and errors that are nonsense
TOKENS = {
    "empty": "", "not-json": "{oops", "array": "[]", "no-token": "{}", "number": '{"token": 5}',
    "null": '{"token": null}', "blank": '{"token": ""}', "html": "<html>login</html>",
    "newline": '{"token": "a\\r\\nX-Evil: 1"}', "nul": '{"token": "a\\u0000b"}',
    "deep": "[" * 50_000,
}
for name, body in TOKENS.items():
    case(f"hostile-token-{name}", 22, rule(
        "token", "answer", times=EVER, status=200, headers=JSON, body=body), options=BRIEF)
CHALLENGES = {
    "empty": (20, ""), "commas": (20, ",,,,"), "unknown": (20, "Negotiate abc"),
    "binary": (20, "\xff\xfe\xfd"), "no-realm": (22, "Bearer"),
    "unclosed": (22, 'Bearer realm="http://x'), "long": (22, "Bearer " + "a=b," * 5000),
}
for name, (code, challenge) in CHALLENGES.items():
    case(f"hostile-challenge-{name}", code, any_rule(
        "answer", status=401, headers={"WWW-Authenticate": challenge}), options=BRIEF)
ERROR_BODIES = {
    "empty": "", "html": "<html>", "not-utf8": "\xff\xfe", "errors-object": '{"errors": {}}',
    "errors-number": '{"errors": [5]}', "escape": "\x1b[31mred\x1b[2J", "nul": "no\x00way",
    "deep": '{"errors":' + "[" * 50_000, "code-null": '{"errors": [{"code": null, "message": 7}]}',
}
for name, body in ERROR_BODIES.items():
    case(f"hostile-error-body-{name}", 21, rule("post", "answer", times=EVER, status=403,
                                                      body=body), options=BRIEF)
