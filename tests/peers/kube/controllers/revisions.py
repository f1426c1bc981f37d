"""pkg/controller/history: ControllerRevisions of stateful and daemon sets."""
from ..resources import BY_NAME
from .common import hash_of, owned, owner_reference

REVISIONS = BY_NAME["controllerrevisions"]
HASH = "controller-revision-hash"


def newest(control, obj):
    """The revision of OBJ's template, made or renewed; and all, the oldest first."""
    data = {"spec": {"template": {**obj["spec"]["template"], "$patch": "replace"}}}
    found = sorted(owned(control.store, "controllerrevisions", obj),
                   key=lambda r: r["revision"])
    number = found[-1]["revision"] + 1 if found else 1
    same = next((r for r in found if r["data"] == data), None)
    if same and same is not found[-1]:
        same = control.store.update(REVISIONS, {**same, "revision": number})
    elif not same:
        same = control.store.create(REVISIONS, fresh(obj, data, number))
    return same, [r for r in found if r["metadata"]["name"] != same["metadata"]["name"]] + [same]


def fresh(obj, data, number):
    meta, code = obj["metadata"], hash_of(data)
    label = f"{meta['name']}-{code}" if obj["kind"] == "StatefulSet" else code
    return {"metadata": {"name": f"{meta['name']}-{code}", "namespace": meta["namespace"],
                         "labels": {**obj["spec"]["template"]["metadata"]["labels"], HASH: label},
                         "ownerReferences": [owner_reference(obj)]},
            "data": data, "revision": number}


def label_of(revision):
    return revision["metadata"]["labels"][HASH]
