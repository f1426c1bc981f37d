"""Watches of the peer's API server: what they tell, how they end, how they are refused."""
import http.client
import json

import pytest

from kube import bulk
from kube.cluster import Cluster
from kube.resources import BY_NAME
from kube_peers import CROWD, PODS, Watch, ask, wait_for


@pytest.fixture
def cluster(tmp_path):
    """Plain http, settled, and time that stands still."""
    with Cluster(tmp_path, "good", speed=0, tls=False) as running:
        yield running
    assert running.bugs == []


def watch_from(cluster, query="", **headers):
    version = cluster.store.version
    return Watch(cluster, f"{PODS}?watch=true&resourceVersion={version}{query}", **headers)


def touch(cluster, name, **labels):
    with cluster.store.lock:
        pod = cluster.get("pods", name)
        cluster.store.update(BY_NAME["pods"], {**pod, "metadata": {
            **pod["metadata"], "labels": {**pod["metadata"]["labels"], **labels}}})


def test_watch(cluster):
    name = cluster.list("pods")[0]["metadata"]["name"]
    with watch_from(cluster) as watch:
        touch(cluster, name, a="1")
        event = watch.next()
        assert event["type"] == "MODIFIED" and event["object"]["kind"] == "Pod"
        assert event["object"]["metadata"]["labels"]["a"] == "1"


def test_watch_without_version_begins_with_what_is(cluster):
    with Watch(cluster, f"{PODS}?watch=1") as watch:
        assert [watch.next()["type"] for _ in range(2)] == ["ADDED", "ADDED"]


def test_watch_sees_objects_come_into_its_selection_and_leave(cluster):
    name = cluster.list("pods")[0]["metadata"]["name"]
    with watch_from(cluster, "&labelSelector=a%3D1") as watch:
        for value in "0", "1", "1", "2":
            touch(cluster, name, a=value, b=value + "x")
        touch(cluster, name, a="1", b="y")
        touch(cluster, name, a="1", b="z")
        assert [watch.next()["type"] for _ in range(4)] == ["ADDED", "DELETED", "ADDED",
                                                           "MODIFIED"]


def test_watch_ends_in_time_with_a_bookmark(cluster):
    with watch_from(cluster, "&timeoutSeconds=1&allowWatchBookmarks=true") as watch:
        events = watch.rest()
    assert [e["type"] for e in events] == ["BOOKMARK"]
    assert set(events[0]["object"]) == {"kind", "apiVersion", "metadata"}
    assert events[0]["object"]["metadata"]["resourceVersion"] == str(cluster.store.version)


def test_watch_from_a_version_that_is_too_old(cluster):
    version = cluster.store.version
    touch(cluster, cluster.list("pods")[0]["metadata"]["name"], a="1")
    cluster.store.compact()
    target = f"{PODS}?watch=true&resourceVersion={version}"
    with Watch(cluster, target) as watch:
        events = watch.rest()
    assert watch.answer.status == 200 and len(events) == 1 and events[0]["type"] == "ERROR"
    assert (events[0]["object"]["code"], events[0]["object"]["reason"],
            events[0]["object"]["message"]) == (
        410, "Expired", f"too old resource version: {version} ({cluster.store.compacted})")
    cluster.expired_as = "status"
    status, _, answer = ask(cluster, "GET", target)
    assert (status, answer["reason"]) == (410, "Expired")


def test_initial_events(cluster):
    query = "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
    assert ask(cluster, "GET", PODS + query)[0] == 422
    with Watch(cluster, f"{PODS}{query}&resourceVersionMatch=NotOlderThan") as watch:
        assert [watch.next()["type"] for _ in range(2)] == ["ADDED"] * 2
        end = watch.next()
        assert end["type"] == "BOOKMARK"
        assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    cluster.watch_list = False
    status, _, answer = ask(cluster, "GET", f"{PODS}{query}&resourceVersionMatch=NotOlderThan")
    assert status == 422 and "sendInitialEvents is forbidden" in answer["message"]


@pytest.mark.parametrize("how, error", [
    ("reset", ConnectionResetError), ("torn", http.client.IncompleteRead), ("close", None),
    ("end", None), ("expired", None)])
def test_watch_that_is_cut(how, error, cluster):
    with watch_from(cluster) as watch:
        wait_for(lambda: cluster.watches.each("pods"))
        assert cluster.watches.cut("pods", how) == 1
        if error:
            with pytest.raises(error):
                watch.rest()
        else:
            events = watch.rest()
            assert [e["type"] for e in events] == (["ERROR"] if how == "expired" else [])
    assert cluster.watches.each() == []


def test_watch_that_is_cut_after_so_many_events(cluster):
    cluster.watches.cut_after = (2, "end")
    name = cluster.list("pods")[0]["metadata"]["name"]
    with watch_from(cluster) as watch:
        for value in "123":
            touch(cluster, name, a=value)
        events = watch.rest()
    assert [e["object"]["metadata"]["labels"]["a"] for e in events] == ["1", "2"]


def test_watch_that_falls_silent(cluster):
    with watch_from(cluster) as watch:
        wait_for(lambda: cluster.watches.each("pods"))
        cluster.watches.silence("pods")
        touch(cluster, cluster.list("pods")[0]["metadata"]["name"], a="1")
        cluster.watches.cut("pods", "end")
        assert watch.rest() == []


def test_a_crowd(cluster):
    """5,000 pods in pages, then 10,000 events: all told, each once, in their order."""
    bulk.fill(cluster, 5000)
    count, token = 0, ""
    while token is not None:
        page = ask(cluster, "GET", f"{CROWD}?limit=500&continue={token}")[2]
        count, token = count + len(page["items"]), page["metadata"].get("continue")
    assert count == 5000
    version = int(page["metadata"]["resourceVersion"])
    with Watch(cluster, f"{CROWD}?watch=true&resourceVersion={version}") as watch:
        bulk.churn(cluster, 10_000)
        for i in range(1, 10_001):
            found = json.loads(watch.answer.readline())
            assert found["object"]["metadata"]["resourceVersion"] == str(version + i)
