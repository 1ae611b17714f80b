"""The Compose files."""

import yaml

from duygu.shared.config.settings import Settings
from duygu.shared.paths import ROOT

LINKS = yaml.safe_load((ROOT / "deploy" / "compose" / "links.yaml").read_text(encoding="utf-8"))


def test_links_reach_the_outside() -> None:
    """With links.yaml, API and workers for videos have the settings of links, and the workers a way out."""
    services = LINKS["services"]
    settings = services["api"]["environment"]
    assert services["worker-videos"] == {"environment": settings, "networks": ["inside", "outside"]}
    assert set(settings) == {"DUYGU_LINKS", "DUYGU_LINK_HTTP", "DUYGU_LINK_NETWORKS", "DUYGU_LINK_BUCKETS"}
    assert {name.removeprefix("DUYGU_").lower() for name in settings} <= set(Settings.model_fields)
