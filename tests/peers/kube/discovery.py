"""What kubectl asks before it asks: versions, groups, resources, the aggregated form of both."""
import re

from .resources import SERVED

VERSION = {"major": "1", "minor": "32", "gitVersion": "v1.32.1",
           "gitCommit": "e9c9be4007d1664e68796af02b8978640d2c1b26", "gitTreeState": "clean",
           "buildDate": "2025-01-15T14:31:55Z", "goVersion": "go1.23.4", "compiler": "gc",
           "platform": "linux/amd64"}
AGGREGATED = re.compile(r"application/json;g=apidiscovery\.k8s\.io;v=(v2(?:beta1)?);"
                        r"as=APIGroupDiscoveryList")


def groups():
    """Name to versions, in the order of the table."""
    found = {}
    for resource in SERVED:
        versions = found.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
    return found


def answer(path, accept, host):
    """(document, content type) of a discovery path; None if it is none."""
    aggregated = AGGREGATED.search(accept)
    if path in ("/api", "/apis") and aggregated:
        version = aggregated.group(1)
        return (aggregate(path == "/api", version), "application/json;g=apidiscovery.k8s.io;v="
                f"{version};as=APIGroupDiscoveryList")
    document = plain(path, host)
    return (document, "application/json") if document else None


def plain(path, host):
    if path == "/version":
        return VERSION
    if path == "/openapi/v3":
        return {"paths": {}}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [
            {"clientCIDR": "0.0.0.0/0", "serverAddress": host}]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1",
                "groups": [group(n, v) for n, v in groups().items() if n]}
    parts = path.strip("/").split("/")
    if parts[0] == "apis" and len(parts) == 2 and parts[1] in groups():
        return {"kind": "APIGroup", "apiVersion": "v1", **group(parts[1], groups()[parts[1]])}
    if parts == ["api", "v1"]:
        return resource_list("", "v1")
    if parts[0] == "apis" and len(parts) == 3 and parts[2] in groups().get(parts[1], ()):
        return resource_list(parts[1], parts[2])
    return None


def group(name, versions):
    named = [{"groupVersion": f"{name}/{v}", "version": v} for v in versions]
    return {"name": name, "versions": named, "preferredVersion": named[0]}


def resource_list(name, version):
    rows = []
    for r in SERVED:
        if (r.group, r.version) != (name, version):
            continue
        rows.append({"name": r.plural, "singularName": r.singular, "namespaced": r.namespaced,
                     "kind": r.kind, "verbs": list(r.verbs),
                     **({"shortNames": list(r.short)} if r.short else {}),
                     **({"categories": ["all"]} if r.all else {})})
        rows += [{"name": f"{r.plural}/{sub}", "singularName": "", "namespaced": r.namespaced,
                  "kind": sub_kind(r, sub)[2], "verbs": sub_verbs(sub),
                  **scale_of(sub)} for sub in r.subresources]
    return {"kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": f"{name}/{version}" if name else version, "resources": rows}


def scale_of(sub):
    return {"group": "autoscaling", "version": "v1"} if sub == "scale" else {}


def sub_kind(resource, sub):
    if sub == "scale":
        return "autoscaling", "v1", "Scale"
    return resource.group, resource.version, resource.kind


def sub_verbs(sub):
    return ["get"] if sub == "log" else ["get", "patch", "update"]


def aggregate(core, version):
    items = []
    for name, versions in groups().items():
        if (name == "") == core:
            items.append({"metadata": {"name": name, "creationTimestamp": None}, "versions": [
                {"version": v, "freshness": "Current", "resources": rich(name, v)}
                for v in versions]})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {}, "items": items}


def rich(name, version):
    return [{"resource": r.plural, "singularResource": r.singular, "verbs": list(r.verbs),
             "responseKind": kind_of(r.group, r.version, r.kind),
             "scope": "Namespaced" if r.namespaced else "Cluster",
             **({"shortNames": list(r.short)} if r.short else {}),
             **({"categories": ["all"]} if r.all else {}),
             **({"subresources": [
                 {"subresource": s, "responseKind": kind_of(*sub_kind(r, s)),
                  "verbs": sub_verbs(s)} for s in r.subresources]} if r.subresources else {})}
            for r in SERVED if (r.group, r.version) == (name, version)]


def kind_of(group_name, version, kind):
    return {"group": group_name, "version": version, "kind": kind}
