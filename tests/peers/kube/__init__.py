"""A Kubernetes API server on loopback, with controllers, a scheduler and nodes played along.

Held against the real kubectl (tests/e2e/test_kube_peer.py); version 1.32 is what it imitates.  It
keeps objects (store.py), answers as the API server does (api.py, and status.py for the words of a
refusal), and plays one timeline (timelines/) on a clock that may be faster than ours (clock.py).
What it does not do is said with a refusal that the real server has too; server-side apply, CRDs,
protobuf and managedFields are not done.

    with Cluster(folder, timeline="image-missing", speed=10) as cluster:
        run("kubectl", env={"KUBECONFIG": cluster.kubeconfig()})

This file imports nothing, so that `python3 -m tests.peers.kube` can find the peers beside it.
"""
