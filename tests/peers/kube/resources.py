"""The resources that are served, one row each; discovery and routing are made of this table."""
from dataclasses import dataclass

READ = ("get", "list", "watch")
ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """generation: whether metadata.generation follows the spec."""
    group: str
    version: str
    plural: str
    kind: str
    short: tuple = ()
    namespaced: bool = True
    subresources: tuple = ("status",)
    generation: bool = False
    all: bool = True
    verbs: tuple = ALL

    @property
    def singular(self):
        return self.kind.lower()

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self):
        """As in messages: "deployments.apps", "pods"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self):
        return f"{self.kind}.{self.group}" if self.group else self.kind


TABLE = (
    Resource("", "v1", "namespaces", "Namespace", ("ns",), False, all=False),
    Resource("", "v1", "nodes", "Node", ("no",), False, all=False),
    Resource("", "v1", "pods", "Pod", ("po",), subresources=("status", "log")),
    Resource("", "v1", "events", "Event", ("ev",), subresources=(), all=False),
    Resource("", "v1", "secrets", "Secret", subresources=(), all=False),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", ("sa",), subresources=(), all=False),
    Resource("events.k8s.io", "v1", "events", "Event", ("ev",), subresources=(), all=False,
             verbs=READ),
    Resource("apps", "v1", "deployments", "Deployment", ("deploy",),
             subresources=("status", "scale"), generation=True),
    Resource("apps", "v1", "replicasets", "ReplicaSet", ("rs",),
             subresources=("status", "scale"), generation=True),
    Resource("apps", "v1", "statefulsets", "StatefulSet", ("sts",),
             subresources=("status", "scale"), generation=True),
    Resource("apps", "v1", "daemonsets", "DaemonSet", ("ds",), generation=True),
    Resource("apps", "v1", "controllerrevisions", "ControllerRevision", subresources=(),
             all=False),
    Resource("batch", "v1", "cronjobs", "CronJob", ("cj",), generation=True),
    Resource("batch", "v1", "jobs", "Job", generation=True),
    Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
             ("hpa",)),
    Resource("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
             ("hpa",)),
)
REVIEW = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews",
                  "SelfSubjectAccessReview", namespaced=False, subresources=(), all=False,
                  verbs=("create",))
SERVED = TABLE + (REVIEW,)

BY_NAME = {r.plural: r for r in reversed(TABLE)}
BY_KIND = {r.kind: r for r in reversed(TABLE)}


def find(group, version, plural):
    return next((r for r in SERVED if (r.group, r.version, r.plural) == (group, version, plural)),
                None)


def stored(resource):
    """Where objects of RESOURCE are kept: two versions of one resource are one set of objects."""
    return BY_NAME.get(resource.plural, resource)
