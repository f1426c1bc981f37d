"""Patches of the peer that plays the API server, against what the real one makes of them."""
import copy

import pytest

from kube import patches
from kube.status import Refused

POD = {"initContainers": [{"name": "setup", "image": "s:1"}],
       "containers": [{"name": "app", "image": "a:1", "env": [{"name": "A", "value": "1"},
                                                              {"name": "B", "value": "2"}],
                       "ports": [{"containerPort": 80}], "args": ["x", "y"]},
                      {"name": "side", "image": "b:1"}],
       "nodeSelector": {"disk": "ssd", "zone": "a"}}


def with_app(**changes):
    new = copy.deepcopy(POD)
    for name, value in changes.items():
        new["containers"][0][name] = value
    return new


def app(**fields):
    return {"containers": [{"name": "app", **fields}]}


@pytest.mark.parametrize("patch, wanted", [
    ({}, POD),
    (app(), POD),
    (app(image="a:2"), with_app(image="a:2")),
    ({"$setElementOrder/containers": [{"name": "app"}], **app(image="a:2")},
     with_app(image="a:2")),
    ({"$setElementOrder/containers": [{"name": "side"}, {"name": "app"}], **app(image="a:2")},
     {**POD, "containers": [POD["containers"][1], with_app(image="a:2")["containers"][0]]}),
    (app(env=[{"name": "A", "value": "9"}]),
     with_app(env=[{"name": "A", "value": "9"}, {"name": "B", "value": "2"}])),
    (app(env=[{"name": "A", "$patch": "delete"}]), with_app(env=[{"name": "B", "value": "2"}])),
    (app(env=[{"$patch": "replace"}, {"name": "C", "value": "3"}]),
     with_app(env=[{"name": "C", "value": "3"}])),
    (app(args=["z"]), with_app(args=["z"])),
    (app(args=None), {**POD, "containers": [
        {k: v for k, v in POD["containers"][0].items() if k != "args"}, POD["containers"][1]]}),
    (app(ports=[{"containerPort": 80, "name": "web"}, {"containerPort": 81}]),
     with_app(ports=[{"containerPort": 80, "name": "web"}, {"containerPort": 81}])),
    ({"containers": [{"name": "app", "$patch": "delete"}]},
     {**POD, "containers": POD["containers"][1:]}),
    # a name that is not there is a container more: what kubectl's own check is for
    ({"containers": [{"name": "typo", "image": "c:1"}]},
     {**POD, "containers": [*POD["containers"], {"name": "typo", "image": "c:1"}]}),
    ({"initContainers": [{"name": "setup", "image": "s:2"}]},
     {**POD, "initContainers": [{"name": "setup", "image": "s:2"}]}),
    ({"nodeSelector": {"zone": None, "arch": "arm64"}},
     {**POD, "nodeSelector": {"disk": "ssd", "arch": "arm64"}}),
    ({"nodeSelector": {"$patch": "replace", "x": "y"}}, {**POD, "nodeSelector": {"x": "y"}}),
    ({"nodeSelector": {"$retainKeys": ["disk"]}}, {**POD, "nodeSelector": {"disk": "ssd"}}),
])
def test_strategic_merge(patch, wanted):
    before, told = copy.deepcopy(POD), copy.deepcopy(patch)
    assert patches.strategic(POD, patch) == wanted
    assert before == POD and told == patch


@pytest.mark.parametrize("patch", [
    {"containers": [{"image": "no name"}]},
    {"nodeSelector": {"$patch": "bend"}},
])
def test_strategic_merge_refused(patch):
    with pytest.raises(Refused):
        patches.strategic(POD, patch)


# RFC 7386, appendix A
@pytest.mark.parametrize("target, patch, wanted", [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
])
def test_merge(target, patch, wanted):
    assert patches.merge(target, patch) == wanted


IMAGE = "/containers/0/image"


@pytest.mark.parametrize("operations, wanted", [
    ([], POD),
    ([{"op": "replace", "path": IMAGE, "value": "a:2"}], with_app(image="a:2")),
    ([{"op": "test", "path": "/containers/0/name", "value": "app"},
      {"op": "test", "path": IMAGE, "value": "a:1"},
      {"op": "replace", "path": IMAGE, "value": "a:2"}], with_app(image="a:2")),
    ([{"op": "add", "path": "/containers/0/args/-", "value": "z"}],
     with_app(args=["x", "y", "z"])),
    ([{"op": "add", "path": "/containers/0/args/0", "value": "z"}],
     with_app(args=["z", "x", "y"])),
    ([{"op": "remove", "path": "/containers/0/args/0"}], with_app(args=["y"])),
    ([{"op": "add", "path": "/nodeSelector/a~1b~0c", "value": "1"}],
     {**POD, "nodeSelector": {**POD["nodeSelector"], "a/b~c": "1"}}),
    ([{"op": "copy", "from": "/containers/1/image", "path": IMAGE}], with_app(image="b:1")),
    ([{"op": "test", "path": "/nodeSelector/none", "value": None}], POD),
])
def test_json_patch(operations, wanted):
    before = copy.deepcopy(POD)
    assert patches.json_patch(POD, operations) == wanted
    assert before == POD


@pytest.mark.parametrize("operation, code, words", [
    ({"op": "test", "path": IMAGE, "value": "a:9"}, 422, f"testing path {IMAGE} failed"),
    ({"op": "test", "path": "/none/x", "value": 1}, 422, "error in test for path"),
    ({"op": "replace", "path": "/none", "value": 1}, 422, "doc is missing key: /none"),
    ({"op": "replace", "path": "/none/x", "value": 1}, 422, "doc is missing path: /none/x"),
    ({"op": "replace", "path": "/containers/7/image", "value": 1}, 422, "doc is missing path"),
    ({"op": "remove", "path": "/none"}, 422, "Unable to remove nonexistent key: none"),
    ({"op": "remove", "path": "/containers/7"}, 422, "Unable to access invalid index: 7"),
    ({"op": "add", "path": "/none/x", "value": 1}, 422, 'doc is missing path: "/none/x"'),
    ({"op": "bend", "path": "/"}, 422, "Unexpected kind: bend"),
])
def test_json_patch_refused(operation, code, words):
    with pytest.raises(Refused) as caught:
        patches.json_patch(POD, [operation])
    document = caught.value.document
    assert document["code"] == code and document["reason"] == "Invalid"
    assert words in document["details"]["causes"][0]["message"]
    assert words not in document["message"]
