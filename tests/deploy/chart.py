"""Renders the Helm chart with the library of Helm itself."""

from typing import Any

import helm_python
import yaml

from duygu.shared.paths import ROOT

CHART = ROOT / "deploy" / "helm" / "duygu"

Manifest = dict[str, Any]

NEEDED: dict[str, Any] = {"network": {"storage": {"cidrs": ["192.0.2.0/24"]}}}
"""Values without a default."""

FULL: dict[str, Any] = {
    **NEEDED,
    "workers": {"videos": {"scaling": {"enabled": True}}, "streams": {"scaling": {"enabled": True}}},
    "api": {"ingress": {"enabled": True, "className": "nginx", "annotations": {"example.com/a": "b"}}},
    "settings": {"DUYGU_MAX_UPLOAD_MB": 2000, "DUYGU_LINKS": "1"},
    "image": {"pullSecrets": ["registry"], "tag": "1.2.3"},
}
"""Values that switch on every part."""

OUTSIDE: dict[str, Any] = {
    "network": {"storage": {"cidrs": ["192.0.2.0/24"]}, "redis": {"cidrs": ["198.51.100.7/32"]}},
    "redis": {"enabled": False, "url": "rediss://redis.example.com:6380/2", "liveUrl": "redis://live.example.com/0"},
    "secrets": {"redis": "duygu-redis"},
    "workers": {
        "videos": {"scaling": {"enabled": True, "authentication": "duygu-redis"}},
        "webhooks": {"enabled": False},
    },
}
"""Values with Redis servers outside the cluster, which need passwords."""


def render(values: dict[str, Any], release: str = "duygu") -> list[Manifest]:
    """The objects of a release. Raises HelmError for values that the chart refuses."""
    with helm_python.Chart.load(str(CHART)) as chart:
        chart.validate_schema(chart.merge_values(values))
        files = chart.render(values, name=release, namespace="duygu")
    texts = [text for name, text in sorted(files.items()) if name.endswith(".yaml")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def pods(manifests: list[Manifest]) -> list[Manifest]:
    """The templates of the pods."""
    return [found["spec"]["template"] for found in manifests if found["kind"] in ("Deployment", "StatefulSet")]
