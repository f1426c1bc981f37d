"""What each verb does to the store, and the answer it gets."""
import base64
import copy
import json

from answer import Answer

from . import admit, discovery, patches, scale, tables, watching
from .resources import REVIEW, stored
from .selectors import parse_fields, parse_labels
from .status import (EXPIRED_LIST, bad_request, conflict, expired, invalid, no_such_path,
                     not_found, too_large, unsupported_media_type)
from .store import in_order, key_of
from .versions import convert

PATCH_TYPES = ("application/json-patch+json", "application/merge-patch+json",
               "application/strategic-merge-patch+json")


def plain(call):
    """Paths that are of no object."""
    if call.path in ("/healthz", "/livez", "/readyz"):
        return Answer(200, [("Content-Type", "text/plain; charset=utf-8")], b"ok")
    found = discovery.answer(call.path, call.head.get("Accept") or "", call.cluster.address)
    if not found or call.method != "GET":
        raise no_such_path()
    return call.told(found[0], kind=found[1])


# -- reading


def shaped(call, obj):
    """One object in the form that the client accepts."""
    form = tables.form_of(call.head.get("Accept"))
    if form == "table":
        return tables.table([obj], obj["metadata"]["resourceVersion"], call.what.resource,
                            call.query.get("includeObject", "Metadata"))
    if form == "partial":
        return tables.partial(obj)
    return obj if call.what.sub == "scale" else convert(call.what.resource, obj)


def get(call):
    what = call.what
    if what.sub == "log":
        return call.cluster.log(call)
    with call.store.lock:
        number(call.query.get("resourceVersion"))
        obj = seen(call, call.query.get("resourceVersion") == "0").get((what.namespace, what.name))
        if obj is None:
            raise not_found(what.resource, what.name)
    if what.sub == "scale":
        return call.told(scale.of(obj))
    return call.told(shaped(call, obj))


def seen(call, stale):
    """Objects by key: of now or, if STALE will do, of the cache that a test has frozen."""
    resource = stored(call.what.resource)
    if stale and resource in call.store.frozen:
        return call.store.frozen[resource][1]
    return call.store.objects[resource]


def number(text):
    if text and not text.isdigit():
        raise bad_request(f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid '
                          "syntax")
    return int(text) if text else 0


def list_(call):
    with call.store.lock:
        version, objects, limit = snapshot(call)
        kept = [o for o in in_order(objects, call.what.namespace) if chosen(call)(o)]
    start, more = call.start, {}
    rows = [o for o in kept if key_of(o) > start] if start else kept
    if limit and len(rows) > limit:
        more = {"continue": token(version, key_of(rows[limit - 1])),
                "remainingItemCount": len(rows) - limit}
        rows = rows[:limit]
        if call.query.get("labelSelector") or call.query.get("fieldSelector"):
            del more["remainingItemCount"]
    return call.told(listed(call, rows, str(version), more))


def listed(call, rows, version, more):
    form, resource = tables.form_of(call.head.get("Accept")), call.what.resource
    if form == "table":
        return tables.table(rows, version, resource, call.query.get("includeObject", "Metadata"),
                            more=more)
    meta = {"resourceVersion": version, **more}
    if form == "partial":
        return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": meta, "items": [{"metadata": o["metadata"]} for o in rows]}
    return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": meta,
            "items": [{k: v for k, v in convert(resource, o).items()
                       if k not in ("kind", "apiVersion")} for o in rows]}


def snapshot(call):
    """(version, objects by key, limit) as resourceVersion, its match and continue want it."""
    store, query, call.start = call.store, call.query, None
    wanted, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    asked, limit = number(wanted), number(query.get("limit"))
    if query.get("continue"):
        if wanted not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        version, call.start = untoken(query["continue"])
        if version < 0:
            return store.version, store.objects[stored(call.what.resource)], limit
        if version < store.compacted:
            raise expired(EXPIRED_LIST, {"continue": token(-1, call.start)})
        return version, store.at(call.what.resource, version), limit
    check_match(wanted, match)
    if asked > store.version:
        raise too_large(asked, store.version)
    if match == "Exact":
        return asked, store.at(call.what.resource, asked), limit
    if wanted == "0":
        frozen = store.frozen.get(stored(call.what.resource))
        return (*(frozen or (store.version, store.objects[stored(call.what.resource)])), 0)
    return store.version, store.objects[stored(call.what.resource)], limit


def check_match(wanted, match):
    words = None
    if match and not wanted:
        words = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match == "Exact" and wanted == "0":
        words = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    elif match not in ("", "Exact", "NotOlderThan"):
        words = f'supported values: "Exact", "NotOlderThan", got "{match}"'
    if words:
        raise invalid("ListOptions", "meta.k8s.io", "", (
            "resourceVersionMatch", "FieldValueForbidden", f"Forbidden: {words}"))


def token(version, key):
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(key) + "\0"},
                      separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def untoken(text):
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return found["rv"], tuple(found["start"].rstrip("\0").split("/"))
    except (ValueError, KeyError, AttributeError, TypeError):
        raise bad_request("continue key is not valid") from None


def chosen(call):
    """A predicate on objects, of both selectors."""
    if not hasattr(call, "predicate"):
        labels = parse_labels(call.query.get("labelSelector", ""))
        fields = parse_fields(call.query.get("fieldSelector", ""), call.what.resource)
        call.predicate = lambda o: labels(o["metadata"].get("labels")) and fields(o)
    return call.predicate


def watch(call):
    return watching.answer(call, chosen(call))


# -- writing


def create(call):
    resource, obj = call.what.resource, call.json()
    if resource is REVIEW:
        return call.told(review(call, obj), 201)
    meta = obj.setdefault("metadata", {})
    if resource.namespaced and meta.setdefault("namespace", call.what.namespace) \
            != call.what.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent "
                          "on the request")
    obj.pop("status", None)
    admit.check(resource, admit.complete(resource, obj))
    if call.dry():
        return call.told(call.store.finished(resource, obj), 201)
    return call.told(shaped(call, call.store.create(resource, obj)), 201)


def review(call, obj):
    """POST selfsubjectaccessreviews."""
    ask = (obj.get("spec") or {}).get("resourceAttributes") or {}
    resource = ask.get("resource", "") + (f".{ask['group']}" if ask.get("group") else "")
    allowed = call.cluster.access.may(call.who.user, ask.get("verb", ""), resource,
                                      ask.get("namespace", ""), ask.get("subresource", ""))
    verdict = {"allowed": allowed}
    if allowed:
        verdict["reason"] = (f'RBAC: allowed by ClusterRoleBinding "{call.who.user.name}" of '
                             f'ClusterRole "tests" to User "{call.who.user.name}"')
    return {"kind": REVIEW.kind, "apiVersion": REVIEW.api_version,
            "metadata": {"creationTimestamp": None}, "spec": obj.get("spec"), "status": verdict}


def update(call):
    with call.store.lock:
        old = call.store.get(call.what.resource, call.what.namespace, call.what.name)
        return call.told(replace(call, old, call.json()))


def patch(call):
    kind = (call.head.get("Content-Type") or "").partition(";")[0].strip()
    if kind not in patches.KINDS:
        raise unsupported_media_type(PATCH_TYPES)
    if len(call.query.get("fieldManager", "")) > 128:
        raise invalid("PatchOptions", "meta.k8s.io", "", (
            "fieldManager", "FieldValueTooLong", "Too long: may not be more than 128 bytes"))
    body = call.json()
    with call.store.lock:
        old = call.store.get(call.what.resource, call.what.namespace, call.what.name)
        seen_as = scale.of(old) if call.what.sub == "scale" else old
        return call.told(replace(call, old, patches.KINDS[kind](seen_as, body)))


def replace(call, old, new):
    """OLD becomes NEW as far as a client may say so; the answer, with the object as it stands."""
    resource, meta = call.what.resource, new.setdefault("metadata", {})
    if meta.get("resourceVersion", "") not in ("", old["metadata"]["resourceVersion"]):
        raise conflict(resource, call.what.name)
    if call.what.sub == "scale":
        new = {**old, "spec": {**old["spec"], "replicas": new["spec"].get("replicas", 0)}}
        return shaped(call, scale.of(call.store.update(resource, new, call.dry())))
    if meta.get("name", call.what.name) != call.what.name:
        raise bad_request(f"the name of the object ({meta['name']}) does not match the name on the "
                          f"URL ({call.what.name})")
    new = copy.deepcopy(new)
    keep(new, old, call.what.sub == "status")
    if call.what.sub != "status":
        admit.check(resource, admit.complete(resource, new), old)
    return shaped(call, call.store.update(resource, new, call.dry()))


def keep(new, old, status):
    """What is not the client's to write comes from OLD."""
    new["kind"], new["apiVersion"] = old["kind"], old["apiVersion"]
    meta = new["metadata"]
    for name in ("name", "namespace", "uid"):
        if name in old["metadata"]:
            meta.setdefault(name, old["metadata"][name])
    for name in ("creationTimestamp", "generation", "deletionTimestamp"):
        meta.pop(name, None)
        if name in old["metadata"]:
            meta[name] = old["metadata"][name]
    for name in [n for n in old if n not in ("kind", "apiVersion", "metadata", "status")] \
            if status else ["status"]:
        new.pop(name, None)
        if name in old:
            new[name] = old[name]


# -- deleting


def delete(call):
    options = call.json()
    if "All" in options.get("dryRun", ()):
        call.query["dryRun"] = "All"
    with call.store.lock:
        old = call.store.get(call.what.resource, call.what.namespace, call.what.name)
        preconditions(call, options.get("preconditions") or {}, old)
        grace = options.get("gracePeriodSeconds", call.query.get("gracePeriodSeconds"))
        return call.told(remove(call, old, None if grace is None else int(grace)))


def remove(call, old, grace):
    if call.what.resource.plural == "pods":
        return old if call.dry() else call.cluster.kubelet.terminate(old, grace)
    if not call.dry():
        call.store.delete(call.what.resource, *key_of(old))
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": {
        "name": call.what.name, "kind": call.what.resource.plural, "uid": old["metadata"]["uid"],
        **({"group": call.what.resource.group} if call.what.resource.group else {})}}


def preconditions(call, wanted, old):
    """rest.BeforeDelete: its subject is the kind, not the resource."""
    for name, label, end in (("uid", "UID", "deleted and then recreated"),
                             ("resourceVersion", "ResourceVersion", "modified")):
        if wanted.get(name) not in (None, old["metadata"][name]):
            raise conflict(call.what.resource, call.what.name, (
                f"the {label} in the precondition ({wanted[name]}) does not match the {label} in "
                f"record ({old['metadata'][name]}). The object might have been {end}"),
                subject=call.what.resource.qualified_kind)


def delete_collection(call):
    with call.store.lock:
        gone = [o for o in call.store.list(call.what.resource, call.what.namespace)
                if chosen(call)(o)]
        for obj in gone:
            remove(call, obj, None)
        return call.told(listed(call, gone, str(call.store.version), {}))


HANDLERS = {"get": get, "list": list_, "watch": watch, "create": create, "update": update,
            "patch": patch, "delete": delete, "deletecollection": delete_collection}
