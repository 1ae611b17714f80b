"""Examples of the messages of the live socket, for the AsyncAPI document: those of a session with one face."""

from typing import Any

MODEL = {"name": "talk48", "version": "2.1", "sha256": "0" * 64, "labels": ["happiness", "neutral"]}

OPTIONS: dict[str, Any] = {"max_faces": 2, "rate_hz": 10.0}

WARMING_UP: dict[str, Any] = {
    "face_id": 1,
    "state": "warming_up",
    "start_s": 0.0,
    "end_s": 0.0,
    "emotion": None,
    "confidence": None,
    "probabilities": None,
    "uncertain": None,
    "windows": [],
    "positions": [{"time_s": 0.0, "box": [212.0, 80.5, 140.0, 176.0], "score": 0.99}],
}

WINDOW = {
    "start_s": 0.0,
    "end_s": 0.9,
    "emotion": "happiness",
    "confidence": 0.81,
    "probabilities": {"happiness": 0.81, "neutral": 0.19},
    "uncertain": False,
}

KNOWN = WARMING_UP | {
    "state": "known",
    "end_s": 0.9,
    **{name: WINDOW[name] for name in ("emotion", "confidence", "probabilities", "uncertain")},
    "windows": [WINDOW],
    "positions": [],
}

RESULT = {"type": "result", "seq": 1, "frame": 1, "captured_at": 0.0, "latency_ms": 12.5, "width": 640, "height": 480}

EXAMPLES: dict[str, dict[str, dict[str, Any]]] = {
    "session.configure": {"options": {"type": "session.configure", **OPTIONS}},
    "session.close": {"close": {"type": "session.close"}},
    "session.created": {
        "created": {
            "type": "session.created",
            "session_id": "01a2290cf1b84c0d9b6f0c5d2e7a8b93",
            "version": "1",
            "model": MODEL,
            "limits": {
                "max_frame_bytes": 2_000_000,
                "max_pixels": 4_000_000,
                "max_waiting": 3,
                "idle_timeout_s": 60.0,
            },
        }
    },
    "session.configured": {"options": {"type": "session.configured", **OPTIONS}},
    "result": {
        "a new face": RESULT | {"faces": [WARMING_UP]},
        "its first window": RESULT | {"seq": 10, "frame": 10, "captured_at": 0.9, "faces": [KNOWN]},
    },
    "dropped": {
        "newer": {"type": "dropped", "seq": 2, "frame": 2, "reason": "newer"},
        "overload": {"type": "dropped", "seq": 3, "frame": 3, "reason": "rate", "overload_rate_hz": 6.5},
    },
    "error": {
        "a frame": {
            "type": "error",
            "seq": 3,
            "frame": 3,
            "code": "not_a_picture",
            "detail": "The file is not a picture",
            "recoverable": True,
        }
    },
    "session.closed": {
        "closed": {
            "type": "session.closed",
            "totals": {"frames": 10, "answered": 8, "dropped": 1, "errors": 1, "faces": 1, "duration_s": 0.9},
            "faces": [],
        }
    },
}
"""By the `type` of the message, and by name."""
