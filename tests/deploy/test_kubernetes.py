"""The Helm chart renders what Kubernetes takes, and fits the code. No test runs a cluster: no package contains one."""

import re
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml
from redis import Redis

from duygu.shared.broker.keys import UNFINISHED
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.queues import QueueName, enqueue_part, open_queue
from duygu.shared.live.api_store import OPEN
from duygu.shared.version import VERSION
from tests.deploy.chart import CHART, FULL, NEEDED, OUTSIDE, Manifest, pods, render
from tests.shared.jobs.test_place import submit

VERSIONS = ("1.30", "1.34")
"""Of Kubernetes."""

AMAZON = "AWS_"
"""Beginning of the variables that are read by what speaks to the bucket."""

VALUES = {"smallest": NEEDED, "full": FULL, "outside": OUTSIDE}

LENGTH = """
local commands = {zset = 'zcard', set = 'scard', list = 'llen', hash = 'hlen', none = 'llen'}
return redis.call(commands[redis.call('type', KEYS[1]).ok], KEYS[1])
"""
"""How KEDA's Redis scaler measures a key."""


@pytest.fixture(scope="module", params=VALUES)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """The objects of a release with the smallest values, with every part, and with Redis outside."""
    return render(VALUES[request.param])


def test_helm_finds_nothing_to_complain_about() -> None:
    """`helm lint` has no error and no warning."""
    found = helm_python.lint(str(CHART), NEEDED)
    assert [message for message in found["messages"] if message["severity"] > 1] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_follow_the_schema_of_kubernetes(manifests: list[Manifest], version: str) -> None:
    """Strictly: an unknown field would be dropped without a word. Objects of KEDA have their own test."""
    for manifest in manifests:
        if not manifest["apiVersion"].startswith("keda.sh/"):
            kubernetes_validate.validate(manifest, version, strict=True)


def test_names_are_unique(manifests: list[Manifest]) -> None:
    """No object overwrites another one."""
    names = [(found["kind"], found["metadata"]["name"]) for found in manifests]
    assert len(set(names)) == len(names)


def test_two_releases_share_a_namespace() -> None:
    """The second release selects none of the pods of the first: names and selectors contain the release."""
    one, other = render(NEEDED, "duygu"), render(NEEDED, "night")
    assert not {found["metadata"]["name"] for found in one} & {found["metadata"]["name"] for found in other}
    labels = [pod["metadata"]["labels"] for pod in pods(one)]
    selectors = [found["spec"]["selector"]["matchLabels"] for found in other if found["kind"] == "Deployment"]
    assert not any(selector.items() <= label.items() for selector in selectors for label in labels)


LONGEST = "the-longest-name-of-a-release-that-helm-permits-duygu"
"""53 characters, Helm's maximum."""


@pytest.mark.parametrize("release", [LONGEST, "1", "1e3", "7.day-and.night"])
def test_every_release_name_gives_names_that_kubernetes_accepts(release: str) -> None:
    """A Service's is a DNS label that begins with a letter; a label, KEDA's own included, has at most 63 characters."""
    helm_python.validate_release_name(release)
    manifests = render(FULL, release)
    for manifest in manifests:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        label = f"keda-hpa-{name}" if kind == "ScaledObject" else name
        longest = 253 if kind == "NetworkPolicy" else 63
        assert re.fullmatch("[a-z][a-z0-9-]+[a-z0-9]", label), (kind, name)
        assert len(label) <= longest, (kind, name)
    labels = [pod["metadata"]["labels"] for pod in pods(manifests)]
    assert all(re.fullmatch("[a-zA-Z0-9._-]{1,63}", value) for each in labels for value in each.values())


def test_long_release_names_remain_apart() -> None:
    """Two releases whose names differ only in the part that is cut off have no name in common."""
    one, other = render(FULL, LONGEST), render(FULL, f"{LONGEST[:-1]}v")
    assert not {found["metadata"]["name"] for found in one} & {found["metadata"]["name"] for found in other}


WHOLE = """
settings: {DUYGU_RESULT_TTL: 2592000, DUYGU_MAX_UPLOAD_MB: 1234567.5, DUYGU_SPLIT_MINUTES: 0.00002, DUYGU_LINKS: true}
workers: {videos: {graceSeconds: 1000000, scaling: {enabled: true, target: 3000000}}}
api: {ingress: {enabled: true, annotations: {example.com/seconds: 2592000}}}
network: {storage: {cidrs: ["::/0", "::1/128"]}}
"""
"""Values whose text YAML or Go would change."""


def test_numbers_keep_their_digits() -> None:
    """Settings, variables and annotations have a number as it was written, never as 2.592e+06."""
    by_kind = {found["kind"]: found for found in render(helm_python.values_from_yaml(WHOLE))}
    settings = by_kind["ConfigMap"]["data"]
    assert (settings["DUYGU_RESULT_TTL"], settings["DUYGU_MAX_UPLOAD_MB"]) == ("2592000", "1234567.5")
    assert (settings["DUYGU_SPLIT_MINUTES"], settings["DUYGU_LINKS"]) == ("0.00002", "true")
    assert by_kind["Ingress"]["metadata"]["annotations"] == {"example.com/seconds": "2592000"}
    assert by_kind["ScaledObject"]["spec"]["triggers"][0]["metadata"]["listLength"] == "3000000"
    variables = [pod["spec"]["containers"][0].get("env", []) for pod in pods(render(yaml.safe_load(WHOLE)))]
    assert {"name": "DUYGU_SHUTDOWN_GRACE_S", "value": "1000000"} in [entry for each in variables for entry in each]


@pytest.mark.parametrize("literal", ["2592000", "-1", "0", "9007199254740991"])
def test_numbers_of_the_command_line_keep_their_digits(literal: str) -> None:
    """A setting of `--set` has the digits that were typed."""
    values = {**NEEDED, "settings": {"DUYGU_RESULT_TTL": helm_python.parse_set_string(f"n={literal}")["n"]}}
    [settings] = [found["data"] for found in render(values) if found["kind"] == "ConfigMap"]
    assert settings["DUYGU_RESULT_TTL"] == literal


def test_addresses_of_ipv6_are_texts() -> None:
    """`::/0` and `::1/128` mean something else in YAML unless they are quoted."""
    policies = [found for found in render(yaml.safe_load(WHOLE)) if found["kind"] == "NetworkPolicy"]
    rules = [rule for policy in policies for rule in policy["spec"].get("egress", [])]
    blocks = [peer["ipBlock"]["cidr"] for rule in rules for peer in rule["to"] if "ipBlock" in peer]
    assert {"::/0", "::1/128"} <= set(blocks)


DIGITS: dict[str, Any] = {
    "network": {"storage": {"cidrs": ["192.0.2.0/24"]}, "monitoringNamespace": "123", "kedaNamespace": "0x1"},
    "secrets": {"keys": "1", "s3": "2", "webhooks": "3", "redis": "4"},
    "redis": {"storageClass": "5", "memory": "536870912"},
    "image": {"pullSecrets": ["6"]},
    "workers": {"videos": {"scaling": {"enabled": True, "authentication": "7"}, "scratch": "1000000000"}},
    "api": {"ingress": {"enabled": True, "className": "8", "tlsSecret": "9"}},
}
"""Names made of digits, which Kubernetes permits."""


@pytest.mark.parametrize("version", VERSIONS)
def test_names_of_digits_remain_texts(version: str) -> None:
    """A name such as `123` is no number in the manifests."""
    for manifest in render(DIGITS):
        if not manifest["apiVersion"].startswith("keda.sh/"):
            kubernetes_validate.validate(manifest, version, strict=True)
        else:
            assert manifest["spec"]["triggers"][0]["authenticationRef"] == {"name": "7"}


def test_every_setting_is_one_of_ours(manifests: list[Manifest]) -> None:
    """A misspelled one would have no effect."""
    known = set(Settings().environment()) | {"DUYGU_KEYS_FILE"}
    [settings] = [found["data"] for found in manifests if found["kind"] == "ConfigMap"]
    given = set(settings) | {
        entry["name"]
        for pod in pods(manifests)
        for container in pod["spec"]["containers"]
        for entry in container.get("env", [])
    }
    assert {name for name in given if not name.startswith(AMAZON)} <= known


def test_every_queue_has_a_worker() -> None:
    """Each worker serves a queue that exists, and none is left out."""
    served = [container.get("args", [""]) for pod in pods(render(NEEDED)) for container in pod["spec"]["containers"]]
    assert sorted(args[1] for args in served if args[0] == "worker") == sorted(queue.value for queue in QueueName)


def test_every_pod_is_locked_down(manifests: list[Manifest]) -> None:
    """Each satisfies the restricted pod security standard, writes only to mounts, and has no token of the cluster."""
    for pod in pods(manifests):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert not any("hostPath" in volume for volume in spec.get("volumes", []))
        for container in spec["containers"]:
            locked = container["securityContext"]
            assert locked["readOnlyRootFilesystem"] is True
            assert locked["allowPrivilegeEscalation"] is False
            assert locked["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"]["cpu"]
            assert not container["image"].endswith((":latest", ":"))
            assert ":" in container["image"]
            assert {"readinessProbe", "startupProbe"} & set(container)
            assert "livenessProbe" in container


def test_only_the_api_and_the_sender_know_the_secret_of_webhooks() -> None:
    """Workers that decode untrusted input do not."""
    knowing = {
        pod["metadata"]["labels"]["app"]
        for pod in pods(render(NEEDED))
        for volume in pod["spec"].get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        if source["secret"]["name"] == "duygu-webhooks"
    }
    assert knowing == {"duygu-api", "duygu-worker-webhooks"}


def test_passwords_of_redis_stay_out_of_the_settings() -> None:
    """With a secret for Redis, the ConfigMap has no address, and each program of ours mounts the secret."""
    manifests = render(OUTSIDE)
    [settings] = [found["data"] for found in manifests if found["kind"] == "ConfigMap"]
    assert not {"REDIS_URL", "DUYGU_STREAM_REDIS_URL"} & set(settings)
    for pod in pods(manifests):
        sources = [
            source for volume in pod["spec"]["volumes"] for source in volume.get("projected", {}).get("sources", [])
        ]
        assert {"secret": {"name": "duygu-redis"}} in sources
    with pytest.raises(helm_python.HelmError):
        render({**OUTSIDE, "redis": {"enabled": False, "url": "redis://:secret@redis.example.com/0"}})


def scalers(values: dict[str, Any]) -> dict[str, Manifest]:
    """The ScaledObjects by their name."""
    return {found["metadata"]["name"]: found for found in render(values) if found["kind"] == "ScaledObject"}


def test_workers_scale_by_what_is_unfinished(redis: Redis) -> None:
    """Each ScaledObject names a Deployment without replicas of its own, and keys that KEDA can measure."""
    found = scalers(FULL)
    assert set(found) == {"duygu-worker-videos", "duygu-worker-streams"}
    deployments = {each["metadata"]["name"]: each["spec"] for each in render(FULL) if each["kind"] == "Deployment"}
    keys = {}
    for name, scaler in found.items():
        assert scaler["spec"]["scaleTargetRef"] == {"name": name}
        assert "replicas" not in deployments[name]
        triggers = scaler["spec"]["triggers"]
        assert all(trigger["type"] == "redis" for trigger in triggers)
        assert all(isinstance(value, str) for trigger in triggers for value in trigger["metadata"].values())
        keys[name] = [trigger["metadata"]["listName"] for trigger in triggers]
    queue = open_queue(redis, QueueName.VIDEOS)
    assert keys == {"duygu-worker-videos": [UNFINISHED, queue.key], "duygu-worker-streams": [OPEN]}
    record, _ = (submit(queue, job_id) for job_id in ("a", "b"))
    for number in range(3):
        enqueue_part(queue, record, number, 60)
    measure = redis.register_script(LENGTH)
    assert {name: [measure(keys=[key]) for key in measured] for name, measured in keys.items()} == {
        "duygu-worker-videos": [2, 5],
        "duygu-worker-streams": [0],
    }


def test_scalers_reach_redis_outside() -> None:
    """Address, database, TLS and authentication are those of the values."""
    for trigger in scalers(OUTSIDE)["duygu-worker-videos"]["spec"]["triggers"]:
        assert trigger["authenticationRef"] == {"name": "duygu-redis"}
        metadata = trigger["metadata"]
        assert (metadata["address"], metadata["databaseIndex"], metadata["enableTLS"]) == (
            "redis.example.com:6380",
            "2",
            "true",
        )


def test_a_stopped_worker_may_finish_its_job(manifests: list[Manifest]) -> None:
    """Kubernetes waits longer than the worker's own grace period."""
    for pod in pods(manifests):
        for container in pod["spec"]["containers"]:
            for entry in container.get("env", []):
                if entry["name"] == "DUYGU_SHUTDOWN_GRACE_S":
                    assert pod["spec"]["terminationGracePeriodSeconds"] > int(entry["value"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "network.storage.cidrs"),
        ({**NEEDED, "redis": {"enabled": False}}, "redis.url"),
        ({**OUTSIDE, **NEEDED}, "network.redis.cidrs"),
        ({**NEEDED, "workers": {"videos": {"scaling": {"enabled": True, "min": 5, "max": 1}}}}, "scaling.min 5"),
        ({**NEEDED, "workers": {"streams": {"scaling": {"enabled": True, "min": 21}}}}, "streams.scaling.max 20"),
        ({**NEEDED, "wrokers": {}}, "wrokers"),
        ({**NEEDED, "storage": {"url": "/data"}}, "pattern"),
        ({**NEEDED, "settings": {"REDIS_URL": "redis://elsewhere"}}, "REDIS_URL"),
        ({**NEEDED, "workers": {"videos": {"replicas": -1}}}, "minimum"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], message: str) -> None:
    """A missing, misspelled or impossible value is an error that names it."""
    with pytest.raises(helm_python.HelmError, match=re.escape(message)):
        render(values)


def test_the_chart_has_the_version_of_the_program() -> None:
    """Chart and program are released together."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["version"] == chart["appVersion"] == VERSION
