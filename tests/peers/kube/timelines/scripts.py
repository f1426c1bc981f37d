"""What happens to a container on its node, as (seconds since it could start, what, ...).

Times are those of a 1.32 node on an idle machine.  {image}, {host},
{repo}, {tag}, {digest}, {container}, {pod}, {namespace} and {uid} are filled in.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    """binds: False if no node takes the pod; then the steps count from its creation.
    every: only each so-manieth pod follows it, the first one included; the others are good."""
    steps: tuple
    binds: bool = True
    every: int = 1


PULLING = ("event", "Normal", "Pulling", 'Pulling image "{image}"')
PULLED = ("event", "Normal", "Pulled", 'Successfully pulled image "{image}" in 81ms '
          "(81ms including waiting). Image size: 324052 bytes.")
PRESENT = ("event", "Normal", "Pulled",
           'Container image "{image}" already present on machine')
CREATED = ("event", "Normal", "Created", "Created container: {container}")
STARTED = ("event", "Normal", "Started", "Started container {container}")


def good(at=0.0, pull=0.1, ready=0.3):
    """From AT: pulled, started, and ready some time later."""
    return ((at + 0.4, *PULLING), (at + 0.4 + pull, *PULLED), (at + 0.45 + pull, *CREATED),
            (at + 0.5 + pull, *STARTED), (at + 0.6 + pull, "running"),
            (at + 0.6 + pull + ready, "ready"))


def starts(at=0.0):
    """From AT: started and running, never mind what comes then."""
    return ((at + 0.4, *PULLING), (at + 0.5, *PULLED), (at + 0.52, *CREATED),
            (at + 0.55, *STARTED), (at + 0.6, "running"))


# Attempts to pull, and when the status tells of each: one sync of the pod later (10-15 s).
ATTEMPTS = ((0.43, 0.88), (14.8, 28.6), (42.8, 56.5), (86.8, 100.6), (179.8, 193.4),
            (349.0, 362.8), (650.0, 664.0))
BACK_OFF = 13.9


def failing(error, until=None, cause=True, attempts=ATTEMPTS):
    """Pulls that end with ERROR.  UNTIL: so many attempts fail, the next one is good.
    CAUSE: the back-off's message tells it (kubelets since 1.32)."""
    steps = []
    back_off = 'Back-off pulling image "{image}"'
    reason = f"{back_off}: ErrImagePull: {error}" if cause else back_off
    for number, (tried, told) in enumerate(attempts):
        if number == until:
            return (*steps, *good(tried - 0.4))
        steps += [
            (tried, *PULLING),
            (tried + 0.01, "event", "Warning", "Failed",
             f'Failed to pull image "{{image}}": {error}'),
            (tried + 0.013, "event", "Warning", "Failed", "Error: ErrImagePull"),
            (tried + 0.45, "event", "Normal", "BackOff", back_off),
            (tried + 0.451, "event", "Warning", "Failed", "Error: ImagePullBackOff"),
            (told, "waiting", "ErrImagePull", error),
            (told + BACK_OFF, "waiting", "ImagePullBackOff", reason)]
    return tuple(steps)


def refusing(reason, message, *events):
    """A state that no attempt of the kubelet changes."""
    return ((0.5, "waiting", reason, message), *((0.5, "event", *e) for e in events))


BACK_OFF_RESTART = ("back-off {}s restarting failed container={{container}} "
                    "pod={{pod}}_{{namespace}}({{uid}})")


def crashing(code, reason, restarts=((1.9, 2.0), (16.5, 16.6), (42.0, 42.1), (86.0, 86.1))):
    """Starts, ends with CODE, and again after back-offs of 10 s, 20 s, 40 s ..."""
    steps = [*starts(), (0.7, "terminated", code, reason)]
    for number, (begun, ended) in enumerate(restarts):
        steps += [(begun - 0.02, *PRESENT), (begun - 0.01, *CREATED), (begun, *STARTED),
                  (begun, "restarted"), (ended, "terminated", code, reason),
                  (ended + 2.0, "waiting", "CrashLoopBackOff", BACK_OFF_RESTART.format(10 << number)),
                  (ended + 2.0, "event", "Warning", "BackOff", "Back-off restarting failed "
                   "container {container} in pod {pod}_{namespace}({uid})")]
    return tuple(steps)


def not_starting(message, restarts=(1.9, 16.5, 42.0, 86.0)):
    """The runtime makes the container and cannot start it: each try is a restart, with the back-offs of a crash."""
    failed = ("event", "Warning", "Failed", f"Error: {message}")
    steps = [(0.5, "waiting", "RunContainerError", message), (0.5, *failed),
             (1.4, "terminated", 128, "StartError", message)]
    for number, at in enumerate(restarts):
        steps += [(at, "not_started", message), (at, *failed),
                  (at + 0.9, "terminated", 128, "StartError", message),
                  (at + 2.0, "waiting", "CrashLoopBackOff", BACK_OFF_RESTART.format(10 << number))]
    return tuple(steps)


GOOD = Script(good())
GOOD_INIT = Script(((0.4, *PULLING), (0.5, *PULLED), (0.52, *CREATED), (0.55, *STARTED),
                    (0.7, "completed")))
