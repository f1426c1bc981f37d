"""Defaults and checks of an object that a client writes.

Only what clients of ours can meet: pod templates, selectors, what is immutable.  Words and
defaults: pkg/apis of Kubernetes.
"""
import json
import re

from .status import invalid

CONTAINER = {"resources": {}, "terminationMessagePath": "/dev/termination-log",
             "terminationMessagePolicy": "File"}
POD = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
       "securityContext": {}, "schedulerName": "default-scheduler"}
SPECS = {
    "deployments": {"replicas": 1, "strategy": {"type": "RollingUpdate"},
                    "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600},
    "replicasets": {"replicas": 1},
    "statefulsets": {"replicas": 1, "podManagementPolicy": "OrderedReady",
                     "updateStrategy": {"type": "RollingUpdate"}, "revisionHistoryLimit": 10},
    "daemonsets": {"updateStrategy": {"type": "RollingUpdate"}, "revisionHistoryLimit": 10},
    "cronjobs": {"concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3,
                 "failedJobsHistoryLimit": 1},
}
ROLLING = {
    "deployments": ("strategy", {"maxUnavailable": "25%", "maxSurge": "25%"}),
    "statefulsets": ("updateStrategy", {"partition": 0}),
    "daemonsets": ("updateStrategy", {"maxUnavailable": 1, "maxSurge": 0}),
}
STATEFUL_MUTABLE = {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                    "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}
STATEFUL_WORDS = ("Forbidden: updates to statefulset spec for fields other than 'replicas', "
                  "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
                  "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
REQUIRED, IMMUTABLE = "FieldValueRequired", "FieldValueInvalid"


def templates(resource, obj):
    """(path, pod spec) of what OBJ has of them."""
    spec = obj.get("spec") or {}
    if resource.plural == "pods":
        yield "spec", spec
    elif resource.plural == "cronjobs":
        inner = (spec.get("jobTemplate") or {}).get("spec") or {}
        yield "spec.jobTemplate.spec.template.spec", (inner.get("template") or {}).get("spec") or {}
    elif "template" in spec:
        yield "spec.template.spec", spec["template"].setdefault("spec", {})


def complete(resource, obj):
    """OBJ (changed) with the server's defaults."""
    for name, value in SPECS.get(resource.plural, {}).items():
        obj.setdefault("spec", {}).setdefault(name, json.loads(json.dumps(value)))
    if resource.plural in ROLLING:
        field, defaults = ROLLING[resource.plural]
        strategy = obj["spec"][field]
        if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
            strategy["rollingUpdate"] = {**defaults, **(strategy.get("rollingUpdate") or {})}
    typed(obj.get("spec") or {})
    for _, pod in templates(resource, obj):
        complete_pod(pod)
    return obj


def typed(spec):
    """The metadata of a template as Go writes it: with a null."""
    for name in ("template", "jobTemplate"):
        if name in spec:
            spec[name]["metadata"] = {"creationTimestamp": None,
                                      **(spec[name].get("metadata") or {})}
            typed(spec[name].get("spec") or {})


def complete_pod(pod):
    for name, value in POD.items():
        pod.setdefault(name, value if not isinstance(value, dict) else {})
    for container in pod.get("containers", []) + pod.get("initContainers", []):
        for name, value in CONTAINER.items():
            container.setdefault(name, value if not isinstance(value, dict) else {})
        container.setdefault("imagePullPolicy", policy(container.get("image", "")))
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")


def policy(image):
    tag = re.search(r":([^/@]+)(@|$)", image)
    if "@" in image or tag and tag[1] != "latest":
        return "IfNotPresent"
    return "Always"


def check(resource, obj, old=None):
    """Refuses what the server refuses; OLD is what OBJ replaces."""
    causes = [cause for path, pod in templates(resource, obj) for cause in of_pod(path, pod)]
    spec = obj.get("spec") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    if resource.group == "apps" and "template" in spec:
        if any(labels.get(k) != v for k, v in wanted.items()):
            causes.append(("spec.template.metadata.labels", IMMUTABLE,
                           f"Invalid value: {go_map(labels)}: `selector` does not match template "
                           "`labels`"))
    if old is not None:
        causes += of_change(resource, obj, old)
    if causes:
        raise invalid(resource.kind, resource.group, obj["metadata"].get("name", ""), *causes)


def of_pod(path, pod):
    if not pod.get("containers"):
        yield f"{path}.containers", REQUIRED, "Required value"
    seen = set()
    for field in ("initContainers", "containers"):
        for i, container in enumerate(pod.get(field) or ()):
            where = f"{path}.{field}[{i}]"
            name, image = container.get("name"), container.get("image")
            if not name:
                yield f"{where}.name", REQUIRED, "Required value"
            if not image:
                yield f"{where}.image", REQUIRED, "Required value"
            elif image != image.strip():
                yield (f"{where}.image", IMMUTABLE, f'Invalid value: "{image}": must not have '
                       "leading or trailing whitespace")
            if name in seen:
                yield f"{where}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'
            seen.add(name)


def of_change(resource, obj, old):
    new_spec, old_spec = obj.get("spec") or {}, old.get("spec") or {}
    if obj["metadata"].get("uid") != old["metadata"]["uid"]:
        yield ("metadata.uid", IMMUTABLE,
               f'Invalid value: "{obj["metadata"].get("uid")}": field is immutable')
    if resource.plural == "statefulsets":
        if any(new_spec.get(k) != old_spec.get(k) for k in {*new_spec, *old_spec}
               - STATEFUL_MUTABLE):
            yield "spec", "FieldValueForbidden", STATEFUL_WORDS
    elif resource.group == "apps" and new_spec.get("selector") != old_spec.get("selector"):
        yield ("spec.selector", IMMUTABLE, "Invalid value: v1.LabelSelector{MatchLabels:"
               f"{go_map((new_spec.get('selector') or {}).get('matchLabels') or {})}, "
               "MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable")
    if resource.plural == "jobs" and new_spec.get("template") != old_spec.get("template"):
        yield ("spec.template", IMMUTABLE,
               "Invalid value: core.PodTemplateSpec{}: field is immutable")


def go_map(labels):
    inner = ", ".join(f'"{k}":"{v}"' for k, v in sorted(labels.items()))
    return f"map[string]string{{{inner}}}"
