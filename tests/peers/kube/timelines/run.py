"""Images that are there, and containers that do not live, or cannot be made at all."""
from .scripts import Script, crashing, good, not_starting, refusing, starts
from .timeline import Timeline

NOT_THERE = ("failed to create containerd task: failed to create shim task: OCI runtime create "
             'failed: runc create failed: unable to start container process: exec: "/nosuch": stat '
             "/nosuch: no such file or directory: unknown")
MOUNT = 'MountVolume.SetUp failed for volume "v" : configmap "nosuch" not found'
PROBE = "Readiness probe failed: HTTP probe failed with statuscode: 503"
SANDBOX = ('Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network '
           "for sandbox")
AFFINITY = ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. "
            "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.")

TIMELINES = (
    Timeline("crash-loop", "exits with 1", Script(crashing(1, "Error"))),
    Timeline("crash-once-then-good", "dies once, lives at the second start", Script(
        (*starts(), (0.7, "terminated", 1, "Error"), (1.9, "restarted"), (2.4, "ready")))),
    Timeline("exits-0", "ends by itself, again and again", Script(crashing(0, "Completed"))),
    Timeline("oom", "killed for its memory", Script(crashing(137, "OOMKilled"))),
    Timeline("crash-loop-init", "the init container exits with 1", Script(crashing(1, "Error")),
             init=True),
    Timeline("command-missing", "the entry point is not in the image", Script(not_starting(NOT_THERE))),
    Timeline("bad-config", "envFrom names a secret that is not there", Script(refusing(
        "CreateContainerConfigError", 'secret "nosuch" not found',
        ("Warning", "Failed", 'Error: secret "nosuch" not found')))),
    Timeline("bad-mount", "a volume's config map is not there", Script(
        ((0.3, "event", "Warning", "FailedMount", MOUNT),
         (32.0, "event", "Warning", "FailedMount", MOUNT)))),
    Timeline("bad-sandbox", "no network for the pod", Script(
        ((0.3, "event", "Warning", "FailedCreatePodSandBox", SANDBOX),
         (14.0, "event", "Warning", "FailedCreatePodSandBox", SANDBOX)))),
    Timeline("never-ready", "runs and is not ready", Script(
        (*starts(), (1.6, "event", "Warning", "Unhealthy", PROBE),
         (11.6, "event", "Warning", "Unhealthy", PROBE)))),
    Timeline("ready-late", "ready after half a minute", Script(
        (*starts(), (5.6, "event", "Warning", "Unhealthy", PROBE), (30.0, "ready")))),
    Timeline("unschedulable", "no node takes the pod", Script(
        ((0.01, "unscheduled", AFFINITY),), binds=False)),
    Timeline("flapping", "ready, then not, then ready", Script(
        (*good(), (3.0, "unready"), (9.0, "ready")))),
)
