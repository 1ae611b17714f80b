"""Results of the benchmarks and their page."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import measured

REPORTS: dict[str, dict[str, Any]] = {
    "video": {
        "cases": [
            {
                "case": "720p30_3faces",
                "decode_s": 3.25,
                "engine_s": 4.5,
                "engine_over_decode": 1.4,
                "plain_s": None,
                "plain_over_engine": None,
                "peak_rss_mb": 100,
                "decoder_rss_mb": 200,
            }
        ],
        "growth": [],
    },
    "accuracy": {"recordings": 3, "faces": 10, "found": 0.987, "extra": 0.0, "windows": 4, "unchanged": 1.0},
    "stream": {
        "runs": [
            {
                "sessions": 3,
                "workers": 2,
                "seconds": 30.0,
                "p50_ms": 1.0,
                "p95_ms": 2.0,
                "p99_ms": 345.0,
                "answered_per_s": 30.0,
                "dropped": 4,
            }
        ]
    },
    "jobs": {
        "runs": [
            {"workers": 7, "clients": 2, "uploads": 8, "post_p95_ms": 12.3, "jobs_per_s": 4.56, "lost": 0, "doubled": 0}
        ]
    },
    "fairness": {
        "clients": 4,
        "uploads": 4321,
        "workers": 2,
        "jobs_per_s": 5.6,
        "lost": 0,
        "doubled": 0,
        "growth_mb": -1.0,
        "keys": [{"priority": "bulk", "jobs": 4321, "wait_p50_s": 7.6, "wait_max_s": 98.7, "share": 0.5}],
    },
    "pictures": {
        "runs": [
            {
                "clients": 3,
                "busy_videos": True,
                "p50_ms": 1.2,
                "p95_ms": 2.3,
                "p99_ms": 3.4,
                "pictures_per_s": 45.6,
                "pictures_cores": 0.78,
                "videos_cores": 0.91,
            }
        ]
    },
    "pages": {"frame_ms": 12.34, "actions_ms": {"split": 56}},
    "scale": {
        "video_s": 2.0,
        "runs": [
            {
                "workers": 3,
                "jobs_per_s": 1.234,
                "cpu_ms": {"worker-videos": 590, "api": 62, "store": 15},
                "redis_calls": 268.3,
                "redis_ms": 7.44,
            }
        ],
        "kills": [
            {
                "jobs": 60,
                "seconds": 99.5,
                "requests_repeated": 4,
                "lost": 0,
                "extra": 1,
                "completed_twice": 2,
                "different_answers": 3,
            }
        ],
        "thousand": {
            "jobs_per_s": 1695,
            "redis_calls_per_s": 450000,
            "redis_cores": 12.6,
            "redis_connections": 2000,
            "api_cores": 105.4,
            "store_cores": 25.0,
            "workers_at_one_redis_core": 79,
            "workers_at_all_connections": 5000,
        },
    },
    "peers": {
        "video": "480p25_1face",
        "frames": 7,
        "peers": [
            {
                "name": "Other",
                "does": "faces",
                "size_mb": 1234,
                "minute_s": 5.67,
                "minute_cpu_s": 8.9,
                "peak_rss_mb": 345,
                "faces_per_frame": 0.5,
            },
            {"name": "Broken", "does": "nothing", "size_mb": 12, "error": "no network"},
        ],
        "not_measured": {"Absent": "needs a GPU"},
    },
    "lsl": {"samples": 9, "p50_ms": 1.2, "p95_ms": 23.4, "p99_ms": 34.5, "stamp_p95_ms": 5.6},
}
ROWS = {
    "peers": "| Other | 5.7 s | 8.9 s | 345 MB | 1234 MB | 0.50 | faces |\n"
    "| Broken | – | – | – | 12 MB | – | nothing; failed: no network |\n\n- Absent is not measured: it needs a GPU.",
    "scale": "| 60 | 100 s | 4 | 0 | 1 | 2 | 3 |",
    "lsl": "| 9 | 1 ms | 23 ms | 34 ms | 6 ms |",
    "video": "| 720p30, 3 faces | 3.2 s | 4.5 s | 1.4 | – | – | 100 MB, 200 MB |",
    "accuracy": "| Faces of MTCNN that the engine finds, of 10 | 98.7% |",
    "stream": "| 3 | 2 | 1 ms | 2 ms | 345 ms | 30 | 4 of 900 |",
    "jobs": "| 7 | 2 | 8 | 12 ms | 4.6 | 0 | 0 |",
    "fairness": "| bulk | 4,321 | 8 s | 99 s | 0.50 of an equal one |",
    "pictures": "| 3 | yes | 1 ms | 2 ms | 3 ms | 46 | 0.8, 0.9 |",
    "pages": "| A frame while playing | 12.3 ms |\n| Split | 56 ms |",
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page, written beside copies of the results."""
    for path in measured.RESULTS.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(measured, "RESULTS", tmp_path)
    monkeypatch.setattr(measured, "PAGE", tmp_path / "measured.md")
    return tmp_path / "measured.md"


@pytest.mark.parametrize("name", measured.SECTIONS)
def test_a_saved_report_replaces_the_last_one(written: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows the new figures with machine and command, and no remark on the old ones."""
    monkeypatch.setattr("sys.argv", ["bench", "--write", "--seconds", "3"])
    measured.save(name, {"machine": "one core of sand", **REPORTS[name]})
    text = written.read_text("utf-8")
    assert ROWS[name] in text
    assert f"`scripts/bench {name} --seconds 3`, " in text
    assert ", one core of sand." in text
    assert json.loads((written.parent / f"{name}.json").read_text("utf-8"))["remarks"] == []
