"""The peer's API server answers as the real one does: lists, writes, refusals."""
import pytest

from kube import bulk
from kube.cluster import Cluster
from kube.resources import BY_NAME
from kube_peers import APP, CROWD, PODS, V2, Watch, ask, image_patch, patch


@pytest.fixture
def cluster(tmp_path):
    """Plain http, settled, and time that stands still."""
    with Cluster(tmp_path, "good", speed=0, tls=False) as running:
        yield running
    assert running.bugs == []


@pytest.fixture
def tls(tmp_path):
    with Cluster(tmp_path, "good", speed=0) as running:
        yield running
    assert running.bugs == []


# -- who asks


def test_tokens(tls):
    admin, short = tls.access.issue("admin"), tls.access.issue("admin", life=0)
    assert ask(tls, "GET", APP, Authorization=f"Bearer {admin.text}")[0] == 200
    for value in (f"Bearer {short.text}", "Bearer x", f"Basic {admin.text}", admin.text):
        status, _, answer = ask(tls, "GET", APP, Authorization=value)
        assert (status, answer["reason"], answer["message"]) == (401, "Unauthorized",
                                                                 "Unauthorized")
    tls.access.kill_tokens()
    assert ask(tls, "GET", APP, Authorization=f"Bearer {admin.text}")[0] == 401
    assert tls.record.entries[0]["token"] == admin.id and tls.record.entries[1]["token"] is None


def test_nobody_in_particular(tls):
    status, _, answer = ask(tls, "GET", APP)
    assert status == 403 and answer["message"] == (
        'deployments.apps "my-app" is forbidden: User "system:anonymous" cannot get resource '
        '"deployments" in API group "apps" in the namespace "default"')
    assert ask(tls, "GET", "/apis")[2]["message"] == \
        'forbidden: User "system:anonymous" cannot get path "/apis"'
    assert ask(tls, "GET", "/version")[2]["minor"] == "32"


@pytest.mark.parametrize("deny, method, target, words", [
    (("list", "pods"), "GET", PODS, 'pods is forbidden: User "admin" cannot list resource "pods" '
     'in API group "" in the namespace "default"'),
    (("watch", "events"), "GET", "/api/v1/events?watch=true", 'events is forbidden: User "admin" '
     'cannot watch resource "events" in API group "" at the cluster scope'),
    (("patch", "deployments.apps"), "PATCH", APP, 'deployments.apps "my-app" is forbidden: User '
     '"admin" cannot patch resource "deployments" in API group "apps" in the namespace "default"'),
    (("get", "pods/log"), "GET", f"{PODS}/x/log", 'pods "x" is forbidden: User "admin" cannot get '
     'resource "pods/log" in API group "" in the namespace "default"'),
])
def test_rights(deny, method, target, words, cluster):
    cluster.access.deny(*deny)
    status, _, answer = ask(cluster, method, target, {})
    assert (status, answer["reason"], answer["message"]) == (403, "Forbidden", words)


def test_reviews_say_what_the_server_does(tls):
    who = tls.access.user("deployer", rules=[("get|patch", "deployments.apps")])
    token = tls.access.issue("deployer")
    for verb, plural, group, allowed in (("get", "deployments", "apps", True),
                                         ("delete", "deployments", "apps", False),
                                         ("get", "deployments", "batch", False),
                                         ("list", "pods", "", False)):
        status, _, answer = ask(
            tls, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {"spec": {"resourceAttributes": {"verb": verb, "resource": plural, "group": group,
                                             "namespace": "default"}}},
            Authorization=f"Bearer {token.text}", Content_Type="application/json")
        assert status == 201 and answer["status"]["allowed"] == allowed
        assert tls.access.may(who, verb, f"{plural}.{group}" if group else plural,
                              "default") == allowed


# -- reading


@pytest.mark.parametrize("target, status, reason, words", [
    ("/apis/apps/v1/namespaces/default/deployments/x", 404, "NotFound",
     'deployments.apps "x" not found'),
    ("/apis/apps/v9/deployments", 404, "NotFound", "could not find the requested resource"),
    ("/x", 404, "NotFound", "could not find the requested resource"),
    (f"{PODS}?fieldSelector=spec.x%3D1", 400, "BadRequest", "field label not supported: spec.x"),
    (f"{PODS}?labelSelector=a%3D%3D%3Db", 400, "BadRequest", "unable to parse requirement"),
    (f"{PODS}?resourceVersion=x", 400, "BadRequest", "invalid syntax"),
    (f"{PODS}?resourceVersionMatch=Exact", 422, "Invalid", "unless resourceVersion is provided"),
    (f"{PODS}?resourceVersion=99999999", 504, "Timeout", "Too large resource version: 99999999"),
    (f"{PODS}?continue=x", 400, "BadRequest", "continue key is not valid"),
])
def test_refused_read(target, status, reason, words, cluster):
    got, headers, answer = ask(cluster, "GET", target)
    assert (got, answer["code"], answer["reason"]) == (status, status, reason)
    assert words in answer["message"] and answer["kind"] == "Status"
    if status == 504:
        assert headers["Retry-After"] == "1" and answer["details"]["retryAfterSeconds"] == 1
        assert answer["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


@pytest.mark.parametrize("selector, count", [
    ("app=my-app", 2), ("app==my-app", 2), ("app!=my-app", 0), ("app", 2), ("!app", 0),
    ("app in (my-app,x)", 2), ("app notin (my-app)", 0), ("app=my-app,pod-template-hash", 2),
    ("app=my-app,x=y", 0), ("", 2),
])
def test_label_selector(selector, count, cluster):
    target = f"{PODS}?labelSelector=" + selector.replace(" ", "%20").replace("=", "%3D")
    assert len(ask(cluster, "GET", target)[2]["items"]) == count


def test_list_has_no_kinds_in_its_items(cluster):
    answer = ask(cluster, "GET", PODS)[2]
    assert answer["kind"] == "PodList" and "kind" not in answer["items"][0]
    name = answer["items"][0]["metadata"]["name"]
    assert ask(cluster, "GET", f"{PODS}/{name}")[2]["kind"] == "Pod"


def test_pages_are_of_one_moment(cluster):
    bulk.fill(cluster, 25)
    first = ask(cluster, "GET", f"{CROWD}?limit=10")[2]
    with cluster.store.lock:
        cluster.store.delete(BY_NAME["pods"], bulk.NAMESPACE, "crowd-00015")
    names = [p["metadata"]["name"] for p in first["items"]]
    page, left = first, [first["metadata"]["remainingItemCount"]]
    while token := page["metadata"].get("continue"):
        page = ask(cluster, "GET", f"{CROWD}?limit=10&continue={token}")[2]
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        names += [p["metadata"]["name"] for p in page["items"]]
        left.append(page["metadata"].get("remainingItemCount", 0))
    assert names == [f"crowd-{i:05}" for i in range(25)] and left == [15, 5, 0]


def test_page_that_is_too_old(cluster):
    bulk.fill(cluster, 25)
    token = ask(cluster, "GET", f"{CROWD}?limit=10")[2]["metadata"]["continue"]
    with cluster.store.lock:
        cluster.store.delete(BY_NAME["pods"], bulk.NAMESPACE, "crowd-00015")
    cluster.store.compact()
    status, _, answer = ask(cluster, "GET", f"{CROWD}?limit=10&continue={token}")
    assert (status, answer["reason"]) == (410, "Expired")
    fresh = answer["metadata"]["continue"]
    rest = ask(cluster, "GET", f"{CROWD}?limit=100&continue={fresh}")[2]
    assert len(rest["items"]) == 14


def test_a_cache_that_lags(cluster):
    """resourceVersion=0 may be told of the past; nothing else may, and 0 knows no limit."""
    old = ask(cluster, "GET", APP)[2]
    cluster.store.freeze("deployments")
    new = patch(cluster, image_patch(V2))[2]
    assert new["metadata"]["generation"] == old["metadata"]["generation"] + 1
    assert ask(cluster, "GET", f"{APP}?resourceVersion=0")[2] == old
    assert ask(cluster, "GET", APP)[2] == new
    listing = APP.rpartition("/")[0]
    assert ask(cluster, "GET", f"{listing}?resourceVersion=0&limit=1")[2]["items"][0][
        "metadata"]["generation"] == old["metadata"]["generation"]
    cluster.store.thaw()
    assert ask(cluster, "GET", f"{APP}?resourceVersion=0")[2] == new


def test_exact_version(cluster):
    version = cluster.store.version
    patch(cluster, image_patch(V2))
    listing = f"{APP.rpartition('/')[0]}?resourceVersion={version}&resourceVersionMatch="
    assert ask(cluster, "GET", listing + "Exact")[2]["items"][0]["metadata"]["generation"] == 1
    assert ask(cluster, "GET", listing + "NotOlderThan")[2]["items"][0]["metadata"][
        "generation"] == 2


def test_other_forms(cluster):
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    answer = ask(cluster, "GET", PODS, Accept=table)[2]
    assert answer["kind"] == "Table" and len(answer["rows"]) == 2
    partial = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert set(ask(cluster, "GET", PODS, Accept=partial)[2]["items"][0]) == {"metadata"}
    assert ask(cluster, "GET", PODS, Accept="application/vnd.kubernetes.protobuf")[0] == 406


# -- writing


def test_image_patch_and_its_repetition(cluster):
    old = ask(cluster, "GET", APP)[2]
    status, _, new = patch(cluster, image_patch(V2), f"{APP}?fieldManager=landed")
    assert status == 200 and new["metadata"]["generation"] == 2
    assert new["spec"]["template"]["spec"]["containers"][0]["image"] == V2
    assert len(new["spec"]["template"]["spec"]["containers"]) == 1
    assert patch(cluster, image_patch(V2))[2] == new
    assert old["metadata"]["uid"] == new["metadata"]["uid"]


def test_dry_run_changes_nothing(cluster):
    before = ask(cluster, "GET", APP)[2]
    status, _, answer = patch(cluster, image_patch(V2), f"{APP}?dryRun=All")
    assert status == 200 and answer["metadata"]["generation"] == 2
    assert answer["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert ask(cluster, "GET", APP)[2] == before
    names = [c["name"] for c in patch(cluster, image_patch(V2, "typo"), f"{APP}?dryRun=All")[2][
        "spec"]["template"]["spec"]["containers"]]
    assert names == ["app", "typo"]


CONFLICT = ('Operation cannot be fulfilled on deployments.apps "my-app": the object has been '
            "modified; please apply your changes to the latest version and try again")


@pytest.mark.parametrize("body, kind, status, reason, words", [
    ({"metadata": {"resourceVersion": "1"}}, "strategic-merge", 409, "Conflict", CONFLICT),
    ({"metadata": {"uid": "x"}}, "strategic-merge", 422, "Invalid",
     'Deployment.apps "my-app" is invalid: metadata.uid: Invalid value: "x": field is immutable'),
    ({"metadata": {"name": "x"}}, "merge", 400, "BadRequest", "does not match the name on the URL"),
    ({"spec": {"selector": {"matchLabels": {"app": "x"}}}}, "merge", 422, "Invalid",
     "field is immutable"),
    ({"spec": {"template": {"spec": {"containers": [{"name": "new"}]}}}}, "strategic-merge", 422,
     "Invalid", 'Deployment.apps "my-app" is invalid: spec.template.spec.containers[1].image: '
     "Required value"),
    (image_patch(" x"), "strategic-merge", 422, "Invalid", "must not have leading or trailing"),
    ([{"op": "test", "path": "/spec/replicas", "value": 9}], "json", 422, "Invalid",
     "the server rejected our request due to an error in our request"),
    ({}, "apply", 415, "UnsupportedMediaType", "the body of the request was in an unknown format"),
])
def test_refused_patch(body, kind, status, reason, words, cluster):
    before = ask(cluster, "GET", APP)[2]
    got, _, answer = patch(cluster, body, kind=kind)
    assert (got, answer["reason"]) == (status, reason) and words in answer["message"]
    assert ask(cluster, "GET", APP)[2] == before


def test_put_with_an_old_version(cluster):
    old = ask(cluster, "GET", APP)[2]
    patch(cluster, image_patch(V2))
    status, _, answer = ask(cluster, "PUT", APP, old, Content_Type="application/json")
    assert status == 409 and answer["message"] == CONFLICT


def test_status_is_not_the_clients(cluster):
    before = ask(cluster, "GET", APP)[2]
    assert patch(cluster, {"status": {"replicas": 99}}, kind="merge")[2] == before
    after = patch(cluster, {"status": {"replicas": 99}, "spec": {"replicas": 5}},
                  f"{APP}/status", "merge")[2]
    assert after["status"]["replicas"] == 99 and after["spec"]["replicas"] == 2


def test_delete_of_a_pod_that_was_recreated(cluster):
    pod = cluster.list("pods")[0]["metadata"]
    status, _, answer = ask(cluster, "DELETE", f"{PODS}/{pod['name']}",
                            {"preconditions": {"uid": "other"}}, Content_Type="application/json")
    assert (status, answer["reason"]) == (409, "Conflict")
    assert answer["message"].startswith(
        f'Operation cannot be fulfilled on Pod "{pod["name"]}": the UID in the precondition '
        f'(other) does not match the UID in record ({pod["uid"]}).')
    status, _, answer = ask(cluster, "DELETE", f"{PODS}/{pod['name']}",
                            {"preconditions": {"uid": pod["uid"]}},
                            Content_Type="application/json")
    assert status == 200 and answer["metadata"]["deletionTimestamp"]
    cluster.clock.advance(60)
    names = [p["metadata"]["name"] for p in cluster.list("pods")]
    assert pod["name"] not in names and len(names) == 2


def test_log_of_a_container_that_never_started(tmp_path):
    with Cluster(tmp_path, "first-rollout-missing", speed=0, tls=False) as cluster:
        name = cluster.list("pods")[0]["metadata"]["name"]
        status, _, answer = ask(cluster, "GET", f"{PODS}/{name}/log")
        assert status == 400 and "is waiting to start" in answer["message"]


def test_events_in_their_newer_version(cluster):
    old = ask(cluster, "GET", "/api/v1/namespaces/default/events")[2]["items"]
    new = ask(cluster, "GET", "/apis/events.k8s.io/v1/namespaces/default/events")[2]["items"]
    assert [e["note"] for e in new] == [e["message"] for e in old] and "message" not in new[0]


def test_path_prefix(tmp_path):
    with Cluster(tmp_path, "good", speed=0, tls=False, prefix="/k8s/clusters/c-1") as cluster:
        assert ask(cluster, "GET", "/k8s/clusters/c-1" + APP)[0] == 200
        assert ask(cluster, "GET", APP)[0] == 404


# -- faults


def test_too_many_requests(cluster):
    rule = cluster.plan.add(at="patch", action={
        "do": "answer", "status": 429, "headers": {"Retry-After": "1"},
        "body": "Too many requests, please try again later.\n"})
    status, headers, answer = patch(cluster, image_patch(V2))
    assert (status, headers["Retry-After"]) == (429, "1") and answer.startswith("Too many")
    assert patch(cluster, image_patch(V2))[0] == 200 and rule.fired == 1


def test_record(cluster):
    patch(cluster, image_patch(V2), f"{APP}?fieldManager=landed&dryRun=All", User_Agent="me/1")
    entry = cluster.record.entries[-1]
    assert (entry["verb"], entry["resource"], entry["user"], entry["agent"], entry["status"]) == (
        "patch", "deployments", "admin", "me/1", 200)
    assert entry["query"] == {"fieldManager": "landed", "dryRun": "All"}
    assert entry["content_type"] == "application/strategic-merge-patch+json"
    assert entry["body"] == image_patch(V2)


def test_big_answers_are_compressed(cluster):
    bulk.fill(cluster, 300)
    _, headers, _ = ask(cluster, "GET", f"{CROWD}?limit=1", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] is None
    with Watch(cluster, CROWD, Accept_Encoding="gzip") as whole:
        assert whole.answer.headers["Content-Encoding"] == "gzip"
