"""Images that cannot be pulled, in the words of each runtime."""
from .scripts import Script, failing, refusing
from .timeline import Timeline

NOT_FOUND = "rpc error: code = NotFound desc = "
UNPACK = 'failed to pull and unpack image "{image}": '
RESOLVE_1 = UNPACK + 'failed to resolve reference "{image}": '      # containerd 1.6 and 1.7
RESOLVE_2 = UNPACK + "failed to resolve image: "                    # containerd 2.x
HEAD = "https://{host}/v2/{repo}/manifests/{tag}"
DENIED = ('denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource '
          '"projects/acme/locations/europe/repositories/web" (or it may not exist)')
LAYER = ("failed to copy: httpReadSeeker: failed open: could not fetch content descriptor {digest} "
         "({kind}) from remote: not found")
LAYER_KIND = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CONFIG_KIND = "application/vnd.docker.container.image.v1+json"
REFUSED = ('failed to do request: Head "https://{host}/v2/{repo}/manifests/{tag}": dial tcp '
           "10.0.0.9:443: connect: connection refused")

# name: (the runtime's error, what it is about)
ERRORS = {
    "image-missing": (NOT_FOUND + RESOLVE_1 + "{image}: not found",
                      "the push did not land; containerd 1.7"),
    "image-missing-containerd-1.6": (NOT_FOUND + RESOLVE_1 + "{image}: not found", "1.6"),
    "image-missing-containerd-2": (NOT_FOUND + RESOLVE_2 + "{image}: not found", "2.1"),
    "image-missing-crio": ("reading manifest {tag} in {host}/{repo}: manifest unknown", "CRI-O"),
    "image-missing-docker": (
        "Error response from daemon: manifest for {image} not found: manifest unknown: Failed to "
        'fetch "{tag}"', "cri-dockerd"),
    "denied": (RESOLVE_1 + "unexpected status from HEAD request to " + HEAD + ": 403 Forbidden",
               "the node may not pull; containerd 1.7"),
    "denied-containerd-1.6": (RESOLVE_1 + "pulling from host {host} failed with status code "
                              "[manifests {tag}]: 403 Forbidden", "1.6"),
    "denied-containerd-2": (RESOLVE_2 + "unexpected status from HEAD request to " + HEAD
                            + ": 403 Forbidden", "2.1"),
    "denied-gar-text": ("Error response from daemon: " + DENIED, "docker shows the body"),
    "denied-crio": ("reading manifest {tag} in {host}/{repo}: denied: requested access to the "
                    "resource is denied", "CRI-O"),
    "denied-anonymous": (
        RESOLVE_1 + "failed to authorize: failed to fetch anonymous token: unexpected status from "
        "GET request to https://{host}/v2/token?scope=repository%3A{repo}%3Apull&service={host}: "
        "403 Forbidden", "the node showed no credentials"),
    "denied-secret": (RESOLVE_1 + "failed to authorize: failed to fetch oauth token: unexpected "
                      "status: 401 Unauthorized", "a wrong imagePullSecret"),
    "denied-several": (
        "[rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to "
        "resolve reference \"{image}\": {image}: not found, failed to pull and unpack image "
        "\"{image}\": failed to resolve reference \"{image}\": pull access denied, repository does "
        "not exist or may require authorization: server message: insufficient_scope: authorization "
        "failed]", "two credentials, two errors"),
    "platform-missing": (NOT_FOUND + UNPACK + "no match for platform in manifest: not found",
                         "the index has no such platform; containerd 1.7"),
    "platform-missing-containerd-2": (
        NOT_FOUND + "get image config descriptor: no match for platform in manifest {digest}: not "
        "found", "2.1"),
    "platform-missing-crio": (
        'choosing image instance: no image found in image index for architecture "arm64", variant '
        '"", OS "linux"', "CRI-O"),
    "platform-missing-docker": ("no matching manifest for linux/arm64/v8 in the manifest list "
                                "entries", "docker"),
    "layer-missing": (NOT_FOUND + UNPACK + LAYER.replace("{kind}", LAYER_KIND),
                      "the manifest is there, a layer is not"),
    "config-missing": (NOT_FOUND + UNPACK + LAYER.replace("{kind}", CONFIG_KIND), "nor its config"),
    "layer-denied-containerd-2": (
        UNPACK + "failed to copy: httpReadSeeker: failed open: unexpected status from GET request "
        "to https://{host}/v2/{repo}/blobs/{digest}: 403 Forbidden\ndenied: denied",
        "a message of two lines"),
    "registry-down": (RESOLVE_1 + REFUSED, "nobody listens"),
    "registry-busy": (RESOLVE_1 + "unexpected status from HEAD request to " + HEAD
                      + ": 429 Too Many Requests", "rate limited"),
    "unknown-ca": (RESOLVE_1 + 'failed to do request: Head "' + HEAD + '": tls: failed to verify '
                   "certificate: x509: certificate signed by unknown authority", "trust store"),
    "name-unknown": (RESOLVE_1 + 'failed to do request: Head "' + HEAD + '": dial tcp: lookup '
                     "{host} on 10.0.0.2:53: no such host", "DNS"),
}

QPS = "pull QPS exceeded"

INVALID = ('Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": '
           "invalid reference format")
NEVER = 'Container image "{image}" is not present with pull policy of Never'

TIMELINES = tuple(Timeline(name, about, Script(failing(error)))
                  for name, (error, about) in ERRORS.items()) + (
    Timeline("image-missing-before-1.32", "a kubelet whose back-off does not tell the cause",
             Script(failing(ERRORS["image-missing"][0], cause=False))),
    Timeline("image-missing-init", "the init container's image is missing",
             Script(failing(ERRORS["image-missing"][0])), init=True),
    Timeline("image-late", "pushed while the nodes already try",
             Script(failing(ERRORS["image-missing"][0], until=2))),
    Timeline("qps-then-good", "the kubelet throttles itself: a third of the pods is late", Script(
        failing(QPS, until=1), every=3), replicas=6,
             spec={"strategy": {"rollingUpdate": {"maxSurge": "100%"}}}),
    Timeline("denied-some", "every other pod may not pull", Script(
        failing(ERRORS["denied"][0]), every=2), replicas=4),
    Timeline("registry-reboot-then-good", "refused connections, then a pull", Script(
        failing(ERRORS["registry-down"][0], until=2))),
    Timeline("secret-late-then-good", "the first pull is anonymous, the second has the secret",
             Script(((0.42, "event", "Warning", "FailedToRetrieveImagePullSecret",
                      "Unable to retrieve some image pull secrets (pull); attempting to pull the "
                      "image may not succeed."),)
                    + failing(ERRORS["denied-anonymous"][0], until=1))),
    Timeline("invalid-name", "no reference at all", Script(refusing(
        "InvalidImageName", INVALID, ("Warning", "InspectFailed", INVALID),
        ("Warning", "Failed", "Error: InvalidImageName")))),
    Timeline("never-pulled", "imagePullPolicy Never", Script(refusing(
        "ErrImageNeverPull", NEVER, ("Warning", "ErrImageNeverPull", NEVER),
        ("Warning", "Failed", "Error: ErrImageNeverPull")))),
    Timeline("slow-pull", "twenty seconds of silence", Script(
        ((0.4, "event", "Normal", "Pulling", 'Pulling image "{image}"'),
         (20.5, "event", "Normal", "Pulled", 'Successfully pulled image "{image}" in 20.1s (20.1s '
          "including waiting). Image size: 324052 bytes."), (20.7, "running"), (21.0, "ready")))),
    Timeline("pull-hangs", "the registry accepts and never answers", Script(
        ((0.4, "event", "Normal", "Pulling", 'Pulling image "{image}"'),))),
)
