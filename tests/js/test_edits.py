"""The page applies edits to the faces that it shows, by the rules of the service.

Node applies them with js/edits/history.js, and Python with duygu.shared.workbench.edits.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duygu.shared.errors import BaselineError, InvalidEditError
from duygu.shared.schemas.result import RecordedBaseline, Result
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.edits.operations import EDIT, Edit, Rename, Threshold
from tests.shared.workbench.edits.test_editing import relative_to, three_faces
from tests.support.results.layer import with_layer

STATIC = Path(__file__).resolve().parents[2] / "services" / "api" / "static"
NODE = shutil.which("node") or shutil.which("nodejs")

SEQUENCES = 400
LENGTH = 6

SCRIPT = """
import { readFileSync } from "node:fs";
const { History } = await import("./js/edits/history.js");
const { result, sequences } = JSON.parse(readFileSync(0, "utf8"));
const outcome = (edits) => {
  const history = new History(result);
  const codes = edits.map((edit) => {
    try {
      history.check(edit);
      history.set([...history.edits, edit]);
      return null;
    } catch (problem) {
      return problem.code;
    }
  });
  return { codes, faces: history.faces(), doubts: history.doubts.map(({ code, id }) => `${code} ${id}`).sort() };
};
process.stdout.write(JSON.stringify(sequences.map(outcome)));
"""


RECORDINGS = [
    RecordedBaseline(
        name="rest.mp4",
        model_sha256=digit * 64,
        windows=4,
        logits=[0.3, -0.2, 0.1, 0.0, 0.5, -0.4, 0.7],
        doubts=["baseline_speaking"],
    )
    for digit in "01"
]
"""Resting faces in other recordings; the second one is of another model."""


def random_edit(rng: np.random.Generator) -> Edit:
    """Return an edit that applies to three faces in perhaps half of all cases."""
    face_id, into = (int(one) for one in rng.choice(range(1, 6), 2, replace=False))
    start_s, end_s = sorted(float(one) / 10 for one in rng.choice(range(55), 2, replace=False))
    ops = ["rename", "merge", "split", "exclude", "exclude", "include", "baseline", "baseline", "threshold"]
    op = str(rng.choice(ops))
    if op == "threshold":
        return Threshold(uncertain_below=[0.65, 0.9, None][rng.integers(3)])
    span = {"start_s": start_s, "end_s": end_s} if rng.random() < 0.7 else {}
    fields: dict[str, dict[str, Any]] = {
        "rename": {"name": ["Ann", "Bo", None][rng.integers(3)]},
        "merge": {"into": into},
        "split": {"at_s": start_s},
        "exclude": span,
        "include": span,
        "baseline": span if rng.random() < 0.7 else {"recording": RECORDINGS[rng.integers(2)]},
    }
    return EDIT.validate_python({"op": op, "face_id": face_id, **fields[op]})


def applied(result: Result, edits: list[Edit]) -> dict[str, Any]:
    """Return the codes of the refused edits, and the faces after the others."""
    accepted: list[Edit] = []
    codes: list[str | None] = []
    for edit in edits:
        try:
            apply_edits(result, [*accepted, edit])
        except (InvalidEditError, BaselineError) as error:
            codes.append(error.code)
        else:
            accepted.append(edit)
            codes.append(None)
    edited = apply_edits(result, accepted).model_dump(mode="json")
    return {"codes": codes, "faces": edited["faces"], "doubts": doubts_of(edited["warnings"])}


def doubts_of(warnings: list[dict[str, str]]) -> list[str]:
    """Return the code of each warning with each of its faces, of which the texts are lists."""
    pairs = [(one["code"], re.findall(r"\d+", one["detail"].partition(":")[0])) for one in warnings]
    return sorted(f"{code} {face_id}" for code, face_ids in pairs for face_id in face_ids)


def in_common(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome without the emotions of whole faces, which the page does not show."""
    left_out = {"emotion", "confidence", "probabilities"}
    faces = [{name: value for name, value in face.items() if name not in left_out} for face in outcome["faces"]]
    return {"codes": outcome["codes"], "faces": faces, "doubts": outcome["doubts"]}


NAMES = [
    "Ann",
    "  Ann ",
    "",
    " \u00a0 ",
    "A\u200db",
    "Ay\u015fe\u00a0Y\u0131ld\u0131z",
    "a\tb\0c",
    "x" * 100,
    "\U0001f600" * 90,
    "\u0645\u06cc\u200c\u0631\u0648\u0645",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u200dAnn \u200c Bo\u200d",
    "a\u200c\u200db",
    "\u200d",
    "\u202eAnn",
    "x" * 79 + "\u200d" + "y",
]
"""Names as people type and paste them."""

CLEAN = """
const { cleanName } = await import("./js/edits/editing.js");
process.stdout.write(JSON.stringify(JSON.parse(process.argv[1]).map(cleanName)));
"""


@pytest.mark.skipif(NODE is None, reason="there is no node on this machine")
def test_the_service_accepts_the_names_that_the_page_sends() -> None:
    """A pasted name loses what the service would reject, and keeps the rest."""
    assert NODE is not None
    command = [NODE, "--input-type=module", "-e", CLEAN, json.dumps(NAMES)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=STATIC, timeout=60)
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout)
    assert names == [
        *("Ann", "Ann", None, None, "A\u200db", "Ayşe Yıldız", "abc", "x" * 80, "\U0001f600" * 80),
        *("\u0645\u06cc\u200c\u0631\u0648\u0645", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "Ann  Bo"),
        *("a\u200cb", None, "Ann", "x" * 79),
    ]
    for name in names:
        assert Rename(face_id=1, name=name).name == name


@pytest.mark.skipif(NODE is None, reason="there is no node on this machine")
def test_the_page_and_the_service_apply_edits_alike() -> None:
    """Random edits are refused with the same codes, and leave the same names, times, windows and positions."""
    assert NODE is not None
    rng = np.random.default_rng(7)
    result = three_faces()
    one, two, three = result.faces
    with_baselines = [relative_to(one, [(0.0, 1.4)]), two, relative_to(three, [(3.0, 3.9)])]
    result = with_layer(result.model_copy(update={"faces": with_baselines}))
    sequences = [[random_edit(rng) for _ in range(LENGTH)] for _ in range(SEQUENCES)]
    given = {
        "result": result.model_dump(mode="json"),
        "sequences": [[edit.model_dump(mode="json") for edit in edits] for edits in sequences],
    }
    command = [NODE, "--input-type=module", "-e", SCRIPT]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, cwd=STATIC, timeout=60)
    assert done.returncode == 0, done.stderr
    on_page = [in_common(outcome) for outcome in json.loads(done.stdout)]
    on_service = [in_common(applied(result, edits)) for edits in sequences]
    codes = [code for outcome in on_service for code in outcome["codes"]]
    of_baselines = {"baseline_no_face", "baseline_too_short", "baseline_unsupported"}
    assert {None, "unknown_face", "faces_overlap", "invalid_edit", *of_baselines} <= set(codes)
    assert any(outcome["doubts"] for outcome in on_service)
    assert on_page == on_service
