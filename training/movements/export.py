"""The folder of a movement network: ONNX, manifest and card."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from duygu.shared.model.folder import CARD, MANIFEST, sha256_of
from duygu.shared.model.movement_folder import (
    LIPS,
    MIN_AGREEMENT,
    MIN_DEVIATION,
    NETWORK,
    Movement,
    MovementManifest,
    PoseModel,
    SpeakingModel,
)
from duygu.shared.vision.types import Floats
from duygu.training.movements.agreement import CROPS
from duygu.training.movements.examples import POINTS
from duygu.training.movements.head import Head
from duygu.training.movements.landmarker import NAMES
from duygu.training.onnx.face_api import CHANNELS, PLACES, SIZE, crops_input, trunk_graph
from duygu.training.onnx.graph import floats

VERSION = "1.3"
LICENCE = (
    "Weights: MIT. The network began as face-api's expression network (MIT). It was trained on the output of "
    "MediaPipe's face landmarker (Apache-2.0), on FER2013's photos and on videos whose rights are unclear."
)


def network_model(weights: Mapping[str, Floats], head: Head) -> onnx.ModelProto:
    """The network from crops (N, 112, 112) uint8 to values (N, 57): movements from 0 to 1, distances of the lips."""
    graph, maps = trunk_graph(weights)
    kernel = head.components.T.reshape(-1, CHANNELS, 1, 1)
    reduced = graph.add("Transpose", graph.add("Conv", maps, graph.constant(kernel)), perm=[0, 2, 3, 1])
    flat = graph.reshape(reduced, PLACES**2 * len(kernel))
    hidden = graph.add("Relu", graph.add("Gemm", flat, *map(graph.constant, head.hidden)))
    values = graph.add("Gemm", hidden, *map(graph.constant, head.output))
    movements, lips = graph.split(values, [len(NAMES), LIPS], 1)
    limited = graph.add("Clip", movements, graph.constant(np.float32(0)), graph.constant(np.float32(1)))
    graph.add("Concat", limited, lips, name="values", axis=1)
    return graph.model("movements", crops_input(), [floats("values", ["N", len(NAMES) + LIPS])])


def write_folder(
    folder: Path,
    model: onnx.ModelProto,
    agreement: Mapping[str, Sequence[float]],
    deviations: Sequence[float],
    pose: PoseModel,
    speaking: SpeakingModel | None,
) -> MovementManifest:
    """Write network, card and manifest, the manifest last.

    agreement   correlations of all movements by data set
    deviations  standard deviations of the reference over the windows of these sets
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / NETWORK)
    movements = [
        _movement(name, {data: values[at] for data, values in agreement.items()}, deviations[at])
        for at, name in enumerate(NAMES)
    ]
    manifest = MovementManifest(
        name="duygu-movements",
        version=VERSION,
        licence=LICENCE,
        size=SIZE,
        points=[(x, y) for x, y in POINTS.tolist()],
        movements=movements,
        pose=pose,
        crops=CROPS,
        speaking=speaking,
        files={NETWORK: sha256_of(folder / NETWORK)},
    )
    (folder / CARD).write_text(card(manifest), encoding="utf-8")
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return manifest


def _movement(name: str, by_data: Mapping[str, float], deviation: float) -> Movement:
    rounded = {data: round(float(value), 3) for data, value in by_data.items()}
    mean = round(float(np.mean(list(by_data.values()))), 3)
    return Movement(name=name, r=mean, r_of=rounded, deviation=round(float(deviation), 5))


def _row(movement: Movement) -> str:
    agreement = " | ".join(f"{r:.2f}" for r in movement.r_of.values())
    return f"| {movement.name} | {agreement} | {movement.deviation:.3f} | {'yes' if movement.is_offered else 'no'} |"


def _choice(manifest: MovementManifest) -> str:
    """Which crops the network processes, in words."""
    return "all crops" if manifest.crops is None else f"{len(manifest.crops.places)} of {manifest.crops.period} crops"


def card(manifest: MovementManifest) -> str:
    """The model card, Markdown."""
    data = list(manifest.movements[0].r_of)
    medians = ", ".join(f"{np.median([m.r_of[name] for m in manifest.movements]):.2f} on {name}" for name in data)
    rows = "\n".join(map(_row, sorted(manifest.movements, key=lambda movement: -movement.r)))
    speaking = "not predicted" if manifest.speaking is None else f"area under the ROC curve {manifest.speaking.auc:.3f}"
    return f"""# {manifest.name} {manifest.version}

Facial movements, head pose and speaking of one face in one frame. **Movements are not feelings**: a smile is a
movement of the corners of the mouth, whatever the person feels.

{manifest.licence}

- Input: {manifest.size} x {manifest.size} pixels, grey, aligned by the five landmarks of the face detector.
- Movements: the 52 blendshapes of MediaPipe's face landmarker, which is the reference: agreement with that
  network is what was measured. {len(manifest.offered)} of them are reported: their mean correlation with the
  reference is at least {MIN_AGREEMENT}, and the reference shows them at all (a deviation of at least
  {MIN_DEVIATION}). Median over all 52: {medians}.
  The network processes {_choice(manifest)}; a window has the mean of these crops.
- Pose: yaw, pitch and roll in degrees, a linear function of the five landmarks.
- Speaking: of the motion of the mouth's grey levels in all crops of a window, without the network;
  {speaking}, on windows of people not in training. Their sound says when they speak:
  windows with more than 0.7 against windows with less than 0.2 of speech, none of those between. The
  recordings are of actors; chewing, laughing and singing were not measured.

The network estimates what is visible in grey crops. It does not measure how strong a muscle contracts, and it is
weak on movements of the closed mouth and of the gaze. Beards, masks, hands before the mouth and
profiles were not measured.

## Agreement

Pearson's r over windows of ten frames, of people not in training. Each column has the name of a folder of videos. The
design of the network was chosen on the first one, so its figures are slightly optimistic; it was not chosen on the
second one. Which movements are reported was chosen on both.

| Movement | {" | ".join(data)} | deviation of the reference | reported |
|---|{"---|" * len(data)}---|---|
{rows}
"""
