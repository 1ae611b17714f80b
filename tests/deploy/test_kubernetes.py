"""The example for Kubernetes is what Kubernetes takes, and fits the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from duygu.shared.config.settings import Settings
from duygu.shared.jobs.queues import QueueName
from duygu.shared.paths import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"

VERSIONS = ("1.30", "1.34")
"""Of Kubernetes."""

AMAZON = "AWS_"
"""Beginning of the variables that are read by what speaks to the bucket."""

Manifest = dict[str, Any]


def manifests(path: Path) -> list[Manifest]:
    """The objects of a file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


FILES = sorted(FOLDER.glob("*.yaml"))
OBJECTS = [
    pytest.param(found, id=f"{found['kind']}-{found['metadata']['name']}") for f in FILES for found in manifests(f)
]


def pods() -> Iterator[Manifest]:
    """What runs in each pod."""
    for path in FILES:
        for found in manifests(path):
            if found["kind"] in ("Deployment", "StatefulSet"):
                yield found["spec"]["template"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", OBJECTS)
def test_manifests_follow_the_schema_of_kubernetes(manifest: Manifest, version: str) -> None:
    """Strictly: a field that is not known would be dropped without a word."""
    kubernetes_validate.validate(manifest, version, strict=True)


def test_every_setting_is_one_of_ours() -> None:
    """What is misspelled would have no effect."""
    known = set(Settings().environment()) | {"DUYGU_KEYS_FILE"}
    [settings] = [found["data"] for path in FILES for found in manifests(path) if found["kind"] == "ConfigMap"]
    given = set(settings) | {
        entry["name"] for pod in pods() for container in pod["spec"]["containers"] for entry in container.get("env", [])
    }
    assert {name for name in given if not name.startswith(AMAZON)} <= known


def test_every_queue_has_a_worker() -> None:
    """Each worker serves one that there is, and none is left out."""
    served = [container.get("args", [""]) for pod in pods() for container in pod["spec"]["containers"]]
    assert sorted(args[1] for args in served if args[0] == "worker") == sorted(queue.value for queue in QueueName)


def test_every_pod_is_locked_down() -> None:
    """No root, no way to become it, nothing to write to but what is mounted, no token of the cluster."""
    for pod in pods():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        for container in spec["containers"]:
            locked = container["securityContext"]
            assert locked["readOnlyRootFilesystem"] is True
            assert locked["allowPrivilegeEscalation"] is False
            assert locked["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_only_the_api_and_the_sender_know_the_secret_of_webhooks() -> None:
    """Workers that decode untrusted input do not."""
    knowing = {
        pod["metadata"]["labels"]["app"]
        for pod in pods()
        for volume in pod["spec"].get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        if source["secret"]["name"] == "duygu-webhooks"
    }
    assert knowing == {"duygu-api", "duygu-worker-webhooks"}
