"""One object in the versions of its resource that are served."""
from .resources import stored


def convert(resource, obj):
    """OBJ, as it is kept, in the version of RESOURCE."""
    if resource is stored(resource) or "kind" not in obj:
        return obj
    if resource.group == "events.k8s.io":
        return event(resource, obj)
    return {**obj, "apiVersion": resource.api_version}


def event(resource, obj):
    """events.k8s.io/v1 of a core/v1 event (pkg/apis/events/v1/conversion.go)."""
    return {"kind": obj["kind"], "apiVersion": resource.api_version, "metadata": obj["metadata"],
            "eventTime": obj["eventTime"], "reportingController": obj["reportingComponent"],
            "reportingInstance": obj["reportingInstance"], "reason": obj["reason"],
            **({"action": obj["action"]} if "action" in obj else {}),
            "regarding": obj["involvedObject"], "note": obj["message"], "type": obj["type"],
            "deprecatedSource": obj["source"], "deprecatedFirstTimestamp": obj["firstTimestamp"],
            "deprecatedLastTimestamp": obj["lastTimestamp"],
            **({"deprecatedCount": obj["count"]} if obj.get("count") else {})}
