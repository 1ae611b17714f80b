"""One row, or one line, for each window: what a statistician reads in."""

import csv
import io
import json

from shared.schemas import Result

COLUMNS = ("face_id", "start_s", "end_s", "emotion", "confidence", "uncertain", "flags")


def csv_table(result: Result) -> str:
    """Tidy CSV (RFC 4180): `COLUMNS`, then a probability for each label; several flags are joined by `|`."""
    labels = result.model.labels
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *labels])
    for face in result.faces:
        for window in face.windows:
            flags = "|".join(window.flags)
            start = [face.face_id, window.start_s, window.end_s, window.emotion, window.confidence]
            probabilities = [window.probabilities.get(label, 0.0) for label in labels]
            writer.writerow([*start, str(window.uncertain).lower(), flags, *probabilities])
    return text.getvalue()


def ndjson_lines(result: Result) -> str:
    """One JSON object a line: first one of `type` video, then one of `type` window for each window."""
    head = {"type": "video", **result.model_dump(mode="json", exclude={"faces"})}
    windows = (
        {"type": "window", "face_id": face.face_id, **window.model_dump(mode="json")}
        for face in result.faces
        for window in face.windows
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *windows))
