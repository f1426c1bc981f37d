"""The completion of bash, in a real one."""
import subprocess

import pytest

from conftest import PROGRAM

ROLLOUTS = ["daemonset/", "deployment/", "statefulset/"]
SCRIPT = """
eval "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
compopt() { :; }
_landed
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script():
    return subprocess.run([PROGRAM + "-docs", "bash"], check=True, text=True,
                          capture_output=True, timeout=30).stdout


def offered(script, *words):
    done = subprocess.run(["bash", "--norc", "-c", SCRIPT, "bash", script, "landed", *words],
                          check=True, text=True, capture_output=True, timeout=30)
    assert done.stderr == ""
    return sorted(done.stdout.split())


@pytest.mark.parametrize("words, owed", [
    (["watch", ""], ROLLOUTS),
    (["deploy", ""], sorted([*ROLLOUTS, "cronjob/"])),
    (["deploy", "de"], ["deployment/"]),
    (["watch", "-n", "shop", "st"], ["statefulset/"]),
    (["deploy", "deploy/web", ""], []),
    (["deploy", "--kubeconfig", "/tmp/k", "sts"], []),
    (["deploy", "--kubeconfig", "/tmp/k", "s"], ["statefulset/"]),
    (["deploy", "deploy/web", "--roll"], ["--rollback-on-failure"]),
    (["verify", ""], []),
])
def test_operands(words, owed, script):
    assert offered(script, *words) == owed
