"""Names of the columns that describe a study, and names that its further columns cannot have."""

from duygu.shared.schemas.emotions import EMOTIONS, OTHER

LABELS = (*EMOTIONS, OTHER)
"""Every label that a table can have columns for, in their order."""

INPUTS = ("path", "participant", "group", "stimulus", "offset_s", "start_s", "end_s", "baseline", "face")
"""Columns of study.csv with a meaning; all others are kept as free columns."""

MARKER_COLUMNS = ("participant", "stimulus", "time_s", "duration_s", "name")

OF_LABELS = ("share", "mean", "max", "episodes", "episode_s", "episodes_per_min")

RESERVED = frozenset(
    (
        *LABELS,
        *(f"{label}_{name}" for label in LABELS for name in OF_LABELS),
        *INPUTS,
        *("after", "baseline_sha256", "before", "change", "confidence", "duration_s", "during", "emotion", "episode"),
        *("error", "error_detail", "face_s", "faces", "flags", "length_s", "marker", "mean", "model", "model_sha256"),
        *("peak", "peak_stimulus_s", "recorded_s", "row", "share_speaking", "share_uncertain", "share_without_face"),
        "speaking",
        *("status", "stimulus_end_s", "stimulus_start_s", "time_s", "uncertain", "video_sha256", "warnings"),
    )
)
"""Names that a free column cannot have, as the tables of a study have them. A test compares them with the tables."""
