"""The three kinds of patch that the API server applies to its own kinds.

Strategic merge: apimachinery pkg/util/strategicpatch; JSON merge: RFC 7386; JSON patch: RFC 6902
in the words of evanphx/json-patch, which the server passes on.
"""
import copy

from .status import bad_patch, bad_request

# Lists that merge by a key, by the name of their field.  "ports" is keyed by containerPort in a
# container.  Fields not named here are replaced whole.
MERGE_KEYS = {
    "containers": "name", "initContainers": "name", "ephemeralContainers": "name", "env": "name",
    "volumes": "name", "volumeMounts": "mountPath", "volumeDevices": "devicePath",
    "imagePullSecrets": "name", "ports": "containerPort", "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey", "conditions": "type", "ownerReferences": "uid",
    "secrets": "name",
}
MERGE_SETS = {"finalizers"}
RETAIN_KEYS = {"strategy", "updateStrategy"}
ORDER, DELETE_FROM = "$setElementOrder/", "$deleteFromPrimitiveList/"


# -- strategic merge


def strategic(target, patch):
    """TARGET with the strategic merge PATCH in it; neither is changed."""
    return merge_map(copy.deepcopy(target), copy.deepcopy(patch))


def merge_map(target, patch):
    directive = patch.pop("$patch", None)
    if directive == "replace":
        return without_directives(patch)
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"Unknown patch type: {directive}")
    kept = patch.pop("$retainKeys", None)
    if kept is not None:
        target = {k: v for k, v in target.items() if k in kept}
    for name, gone in [(k, v) for k, v in patch.items() if k.startswith(DELETE_FROM)]:
        field = name[len(DELETE_FROM):]
        target[field] = [v for v in target.get(field) or () if v not in gone]
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merge_value(name, target.get(name), value,
                                       patch.get(ORDER + name))
    return target


def merge_value(name, old, new, order):
    if isinstance(new, dict):
        return merge_map(old if isinstance(old, dict) else {}, new)
    if not isinstance(new, list):
        return new
    if name in MERGE_KEYS and all(isinstance(row, dict) for row in new):
        return ordered(merge_list(old or [], new, MERGE_KEYS[name]), new, order, MERGE_KEYS[name])
    if name in MERGE_SETS:
        return (old or []) + [v for v in new if v not in (old or [])]
    return new


def merge_list(old, new, key):
    if any(row.get("$patch") == "replace" for row in new):
        return [without_directives(row) for row in new if "$patch" not in row]
    rows = list(old)
    for row in new:
        if key not in row:
            raise bad_patch(f"map: {row} does not contain declared merge key: {key}")
        at = next((i for i, have in enumerate(rows) if have.get(key) == row[key]), None)
        if row.get("$patch") == "delete":
            rows = [have for have in rows if have.get(key) != row[key]]
        elif at is None:
            rows.append(merge_map({}, row))
        else:
            rows[at] = merge_map(rows[at], row)
    return rows


def ordered(rows, patched, order, key):
    """ROWS in the order that the patch wants, those that it does not name where they were."""
    if not order:
        return rows
    wanted = [row.get(key) for row in order]
    named = sorted((r for r in rows if r.get(key) in wanted), key=lambda r: wanted.index(r[key]))
    return [named.pop(0) if row.get(key) in wanted else row for row in rows]


def without_directives(value):
    if isinstance(value, dict):
        return {k: without_directives(v) for k, v in value.items()
                if not k.startswith("$") and v is not None}
    if isinstance(value, list):
        return [without_directives(v) for v in value]
    return value


# -- JSON merge


def merge(target, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merge(target.get(name), value)
    return target


# -- JSON patch


def json_patch(target, operations):
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of "
                          "type jsonpatch.Patch")
    document = copy.deepcopy(target)
    for operation in operations:
        kind = operation.get("op")
        if kind not in OPERATIONS:
            raise bad_patch(f"Unexpected kind: {kind}")
        document = OPERATIONS[kind](document, operation)
    return document


def tokens(path):
    return [t.replace("~1", "/").replace("~0", "~") for t in path.split("/")[1:]]


def parent_of(document, path, words):
    """What holds the last token of PATH, and that token."""
    *way, last = tokens(path) or [""]
    for token in way:
        try:
            document = document[int(token)] if isinstance(document, list) else document[token]
        except (KeyError, IndexError, ValueError, TypeError):
            raise bad_patch(f"{words}: missing value") from None
    if not isinstance(document, (dict, list)):
        raise bad_patch(f"{words}: missing value")
    return document, last


def index_of(holder, token, room=0):
    try:
        at = int(token)
    except ValueError:
        raise bad_patch(f"value was not a proper array index: '{token}'") from None
    at = at + len(holder) if at < 0 else at
    if not 0 <= at < len(holder) + room:
        raise bad_patch(f"Unable to access invalid index: {token}: invalid index referenced")
    return at


def do_add(document, operation):
    path = operation["path"]
    if not path:
        return operation["value"]
    holder, last = parent_of(document, path,
                             f'add operation does not apply: doc is missing path: "{path}"')
    if isinstance(holder, dict):
        holder[last] = operation["value"]
    elif last == "-":
        holder.append(operation["value"])
    else:
        holder.insert(index_of(holder, last, 1), operation["value"])
    return document


def do_remove(document, operation):
    path = operation["path"]
    holder, last = parent_of(document, path,
                             f'remove operation does not apply: doc is missing path: "{path}"')
    if isinstance(holder, list):
        del holder[index_of(holder, last)]
    elif last not in holder:
        raise bad_patch(f"error in remove for path: '{path}': Unable to remove nonexistent key: "
                        f"{last}: missing value")
    else:
        del holder[last]
    return document


def do_replace(document, operation):
    path = operation["path"]
    if not path:
        return operation["value"]
    holder, last = parent_of(document, path,
                             f"replace operation does not apply: doc is missing path: {path}")
    if isinstance(holder, list):
        holder[index_of(holder, last)] = operation["value"]
    elif last not in holder:
        raise bad_patch(f"replace operation does not apply: doc is missing key: {path}: "
                        "missing value")
    else:
        holder[last] = operation["value"]
    return document


def do_test(document, operation):
    path = operation["path"]
    if value_at(document, path) != operation.get("value"):
        raise bad_patch(f"testing path {path} failed: test failed")
    return document


def value_at(document, path):
    """None for what is not there, as an explicit null."""
    if not path:
        return document
    holder, last = parent_of(document, path,
                             f"error in test for path: '{path}': missing value")
    if isinstance(holder, list):
        return holder[index_of(holder, last)]
    return holder.get(last)


def do_copy(document, operation):
    value = copy.deepcopy(value_at(document, operation["from"]))
    return do_add(document, {"path": operation["path"], "value": value})


def do_move(document, operation):
    value = value_at(document, operation["from"])
    do_remove(document, {"path": operation["from"]})
    return do_add(document, {"path": operation["path"], "value": value})


OPERATIONS = {"add": do_add, "remove": do_remove, "replace": do_replace, "test": do_test,
              "copy": do_copy, "move": do_move}

KINDS = {"application/json-patch+json": json_patch, "application/merge-patch+json": merge,
         "application/strategic-merge-patch+json": strategic}
