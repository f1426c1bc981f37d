"""What the tests of landed watch have in common."""
import json

from kube_peers import change_image

PATIENCE_S = 200         # the longest grace of the judge, and time to spare


def watch(landed, cluster, *args, **how):
    kind = cluster.stage.timeline.kind.lower()
    env = {"KUBECONFIG": str(cluster.kubeconfig())}
    return landed("watch", f"{kind}/my-app", *args, *landed.credential(), env=env,
                  timeout=PATIENCE_S, **how)


def result_of(done):
    result = json.loads(done.out)
    assert result["exit"] == done.code, str(done)
    return result


def follow(landed, cluster, image, *args):
    """How a watch that begins with the rollout of IMAGE ended, and its result."""
    change_image(cluster, image)
    done = watch(landed, cluster, "-o", "json", *args)
    return done, result_of(done)
