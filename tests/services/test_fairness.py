"""Many clients with several API keys at the same time."""

import os
from pathlib import Path

from benchmarks.fairness import LEAST_SHARE, MOST_GROWTH_MB, PRIORITIES, run, served

FULL = os.environ.get("DUYGU_TEST_SLOW") == "1"
"""Whether 20 clients submit 200 videos each, instead of 10 clients with 8 each."""


def test_no_job_is_lost_and_no_key_starves(tmp_path: Path) -> None:
    """Every upload becomes a job that is done once, and each key has a share of the first half of the ended jobs.

    Over a long run no process grows.
    """
    clients, uploads = (20, 200) if FULL else (10, 8)
    with served(tmp_path, workers=4 if FULL else 2) as service:
        found = run(service, clients, uploads)
    assert found["statuses"] == {"202": clients * uploads}
    assert (found["lost"], found["doubled"]) == (0, 0)
    assert [key["jobs"] for key in found["keys"]] == [clients * uploads // len(PRIORITIES)] * len(PRIORITIES)
    assert min(key["share"] for key in found["keys"]) >= LEAST_SHARE
    assert not FULL or found["growth_mb"] <= MOST_GROWTH_MB
