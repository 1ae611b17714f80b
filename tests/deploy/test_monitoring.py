"""Dashboard and alerts use metrics, codes and queues that exist."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from redis import Redis

from duygu.services.api.monitoring.metrics import Metrics
from duygu.services.api.service import open_service
from duygu.services.worker.metrics import WorkerMetrics
from duygu.shared.config.settings import Settings
from duygu.shared.errors import by_code, server_error_codes
from duygu.shared.jobs.queues import QueueName
from duygu.shared.paths import ROOT
from tests.support.tiny_model import write_tiny_model

ENDINGS = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"], "gauge": [""]}
"""What Prometheus appends to the name of a metric, by its kind."""

NOT_OF_JOBS = {
    "erase_failed",
    "queue_full",
    "no_worker",
    "picture_timed_out",
    "session_lost",
    "state_lost",
    "bad_training_data",
    "subject_leak",
}
"""Of erasing, of uploads that became no job, of live sessions and pictures, and of training."""

METRIC = re.compile(r"\b(?:duygu|process)_[a-z_]+")
CODES = re.compile(r'code=~?"([^"]+)"')
QUEUES = re.compile(r'queue=~?"([^"]+)"')


def names(registry: CollectorRegistry) -> set[str]:
    """Everything that a scrape of a registry can hold."""
    return {metric.name + ending for metric in registry.collect() for ending in ENDINGS[metric.type]}


@pytest.fixture
def exported(settings: Settings, valkey_url: str, redis: Redis) -> set[str]:
    """The metrics of the API and of a worker."""
    model = write_tiny_model(settings.data_dir / "model")
    service = open_service(settings.model_copy(update={"redis_url": valkey_url, "model": model}))
    found = names(Metrics(service).registry) | names(WorkerMetrics().registry)
    service.redis.close()
    return found


def alerts() -> list[dict[str, Any]]:
    """The rules."""
    content = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def questions(node: Any) -> Iterator[str]:
    """Every expression of the dashboard."""
    if isinstance(node, dict):
        if "expr" in node:
            yield node["expr"]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from questions(part)


def expressions() -> list[str]:
    """Of the dashboard and of the alerts."""
    dashboard = json.loads((ROOT / "deploy/grafana/duygu.json").read_text(encoding="utf-8"))
    return [*questions(dashboard), *(rule["expr"] for rule in alerts())]


def test_every_metric_exists(exported: set[str]) -> None:
    """The API or a worker exports every metric in an expression, and each expression has one."""
    assert all(METRIC.search(expression) for expression in expressions())
    assert {name for expression in expressions() for name in METRIC.findall(expression)} <= exported


def test_every_code_and_queue_is_known() -> None:
    """An alert that waits for a code that was renamed would wait for ever."""
    text = "\n".join(expressions())
    codes = {code for found in CODES.findall(text) for code in found.split("|")}
    queues = {queue for found in QUEUES.findall(text) for queue in found.split("|")}
    assert codes
    assert codes <= set(by_code())
    assert queues <= {queue.value for queue in QueueName}


def test_jobs_that_fail_for_our_reasons_alert() -> None:
    """The alert has every code of a server error and no other code."""
    (expression,) = (rule["expr"] for rule in alerts() if rule["alert"] == "DuyguJobsFail")
    (codes,) = CODES.findall(expression)
    assert set(codes.split("|")) == set(server_error_codes()) - NOT_OF_JOBS


def test_every_alert_is_explained() -> None:
    """What to do about it stands in the documentation."""
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in alerts() if f"`{rule['alert']}`" not in page] == []
