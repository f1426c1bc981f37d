"""Label and field selectors, as in the query of a list or a watch."""
import re

from .status import bad_request

LABEL = re.compile(r"\s*(?:(?P<no>!)\s*(?P<absent>[\w./-]+)"
                   r"|(?P<key>[\w./-]+)\s*(?:(?P<sign>==|=|!=)\s*(?P<value>[\w.-]*)"
                   r"|(?<=\s)(?P<set>in|notin)\s*\((?P<values>[^)]*)\))?)\s*")
FIELDS = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
             "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP",
             "status.nominatedNodeName"),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
               "involvedObject.uid", "involvedObject.apiVersion",
               "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
               "reportingComponent", "source", "type"),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",), "secrets": ("type",),
    "replicasets": ("status.replicas",), "jobs": ("status.successful",),
}


def parse_labels(text):
    """A predicate on labels."""
    tests, position = [], 0
    while position < len(text):
        found = LABEL.match(text, position)
        if not found:
            raise bad_request(f"unable to parse requirement: found '{text[position:]}', "
                              "expected: identifier")
        tests.append(label_test(found))
        position = found.end()
        if position < len(text):
            if text[position] != ",":
                raise bad_request(f"unable to parse requirement: found '{text[position:]}', "
                                  "expected: ',' or 'end of string'")
            position += 1
    return lambda labels: all(test(labels or {}) for test in tests)


def label_test(found):
    if found["no"]:
        return lambda labels, key=found["absent"]: key not in labels
    key = found["key"]
    if found["set"]:
        values = {v.strip() for v in found["values"].split(",")}
        if found["set"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if not found["sign"]:
        return lambda labels: key in labels
    if found["sign"] == "!=":
        return lambda labels, value=found["value"]: labels.get(key) != value
    return lambda labels, value=found["value"]: labels.get(key) == value


def parse_fields(text, resource):
    """A predicate on objects of RESOURCE."""
    known = ("metadata.name", "metadata.namespace") + FIELDS.get(resource.plural, ())
    tests = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"([\w.]+)(==|=|!=)(.*)", part)
        if not found:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        if found[1] not in known:
            raise bad_request(f"field label not supported: {found[1]}")
        tests.append((found[1].split("."), found[2] != "!=", found[3]))
    return lambda obj: all((field(obj, path) == value) == wanted for path, wanted, value in tests)


def field(obj, path):
    if path == ["source"]:
        path = ["source", "component"]
    for key in path:
        obj = (obj or {}).get(key)
    return "" if obj is None else str(obj)


def matches(selector, labels):
    """A LabelSelector, as it stands in an object's spec."""
    labels = labels or {}
    if any(labels.get(k) != v for k, v in (selector.get("matchLabels") or {}).items()):
        return False
    for row in selector.get("matchExpressions") or ():
        has, value, sign = row["key"] in labels, labels.get(row["key"]), row["operator"]
        good = {"Exists": has, "DoesNotExist": not has, "In": value in row.get("values", ()),
                "NotIn": value not in row.get("values", ())}[sign]
        if not good:
            return False
    return True
