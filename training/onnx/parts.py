"""Division of the ONNX network of clips into a trunk, which processes single crops, and a head.

Windows of a face overlap by half. Serving computes the trunk once for each crop, and the head once for each window.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import helper

from duygu.shared.model.folder import (
    HEAD,
    MADE_FROM,
    ONNX,
    TRUNK,
    TRUNK_INT8,
    open_model_folder,
    sha256_of,
    write_manifest,
)
from duygu.shared.model.recipe import Recipe
from duygu.training.network.keras_file import RECIPE_KEY
from duygu.training.onnx.graph import floats

CROPS, FEATURES, LOGITS, GATE = "crops", "features", "logits", "gate"
"""Names of the inputs and outputs of the parts."""

CONVERSIONS = ("QuantizeLinear", "DequantizeLinear")


@dataclass(frozen=True, slots=True)
class Boundary:
    """Names of the tensors between which the trunk lies: (N x frames, 1, size, size) and (N x frames, F, 1, 1)."""

    crops: str
    features: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The undivided network: its recipe, and the sha256 of its file of 32-bit floats."""

    recipe: Recipe
    sha256: str


def boundary_of(model: onnx.ModelProto, recipe: Recipe) -> Boundary | None:
    """Where the trunk begins and ends; None for a network whose crops depend on each other before they are pooled."""
    nodes = model.graph.node
    pools = [node for node in nodes if node.op_type == "AveragePool"]
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    if recipe.normalisation == "clip" or len(pools) != 1 or not convolutions:
        return None
    makers = {output: node for node in nodes for output in node.output}
    crops, features = convolutions[0].input[0], pools[0].output[0]
    while crops in makers and makers[crops].op_type in CONVERSIONS:
        crops = makers[crops].input[0]
    while reader := _conversion_of(features, nodes):
        features = reader.output[0]
    return Boundary(crops, features)


def _conversion_of(tensor: str, nodes: Iterable[onnx.NodeProto]) -> onnx.NodeProto | None:
    return next((node for node in nodes if node.op_type in CONVERSIONS and node.input[0] == tensor), None)


def trunk_of(model: onnx.ModelProto, origin: Origin) -> onnx.ModelProto | None:
    """The network from normalised crops (N, 1, size, size) to features (N, F, 1, 1); None where it has no such part."""
    if (boundary := boundary_of(model, origin.recipe)) is None:
        return None
    size, width = origin.recipe.size, _width(model, boundary)
    part = _part(model, {boundary.crops: CROPS}, {boundary.features: FEATURES})
    return _finished(part, {CROPS: [1, size, size]}, {FEATURES: [width, 1, 1]}, origin)


def head_of(model: onnx.ModelProto, origin: Origin) -> onnx.ModelProto | None:
    """The network from features (N x frames, F, 1, 1) to logits (N, labels); None where it has no such part.

    Its second output is the motion gate (N, 1), if the network has one.
    """
    if (boundary := boundary_of(model, origin.recipe)) is None:
        return None
    width = _width(model, boundary)
    gates = _gates(model)
    part = _part(model, {boundary.features: FEATURES}, {LOGITS: LOGITS}, dict.fromkeys(gates, GATE))
    outputs = {LOGITS: [len(origin.recipe.labels)], **({GATE: [1]} if gates else {})}
    return _finished(part, {FEATURES: [width, 1, 1]}, outputs, origin)


def _gates(model: onnx.ModelProto) -> list[str]:
    """The output of the motion gate, the only hyperbolic tangent of a network that has it."""
    gates = [node.output[0] for node in model.graph.node if node.op_type == "Tanh"]
    return gates if len(gates) == 1 else []


def _width(model: onnx.ModelProto, boundary: Boundary) -> int:
    """Number of features of a crop."""
    shapes = {
        info.name: info.type.tensor_type.shape for info in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    return int(shapes[boundary.features].dim[1].dim_value)


def _part(
    model: onnx.ModelProto, begin: Mapping[str, str], end: Mapping[str, str], within: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    """The nodes between two tensors, given with their new names, without inputs and outputs of the graph.

    within  new names of tensors between the two
    """
    nodes = _between(model.graph.node, *begin, *end)
    used = {name for node in nodes for name in node.input}
    renamed = [_renamed(node, {**begin, **end, **(within or {})}) for node in nodes]
    constants = [constant for constant in model.graph.initializer if constant.name in used]
    graph = helper.make_graph(renamed, model.graph.name, [], [], constants)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _between(nodes: Iterable[onnx.NodeProto], begin: str, end: str) -> list[onnx.NodeProto]:
    """The nodes that compute `end` from `begin`, in their order."""
    needed, chosen = {end}, []
    for node in reversed(list(nodes)):
        if begin not in node.output and needed.intersection(node.output):
            chosen.append(node)
            needed.update(node.input)
    return chosen[::-1]


def _renamed(node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names.get(name, name) for name in node.output]
    return copy


def _finished(
    part: onnx.ModelProto, inputs: Mapping[str, Sequence[int]], outputs: Mapping[str, Sequence[int]], origin: Origin
) -> onnx.ModelProto:
    """The part with its inputs, its outputs and the metadata, checked."""
    for infos, shapes in ((part.graph.input, inputs), (part.graph.output, outputs)):
        infos.extend(floats(name, ["count", *shape]) for name, shape in shapes.items())
    helper.set_model_props(part, {RECIPE_KEY: origin.recipe.to_json(), MADE_FROM: origin.sha256})
    onnx.checker.check_model(part, full_check=True)
    return part


def write_parts(folder: Path) -> None:
    """Write trunk and head of the networks of a model folder, and the manifest; delete those of other networks."""
    opened = open_model_folder(folder)
    origin = Origin(opened.recipe, opened.manifest.files[ONNX])
    network = onnx.load(opened.onnx)
    parts = {TRUNK: trunk_of(network, origin), HEAD: head_of(network, origin)}
    parts[TRUNK_INT8] = trunk_of(onnx.load(opened.int8), origin) if opened.int8 else None
    files = {name: digest for name, digest in opened.manifest.files.items() if name not in parts}
    for name, part in parts.items():
        (folder / name).unlink(missing_ok=True)
        if part is not None:
            onnx.save(part, folder / name)
            files[name] = sha256_of(folder / name)
    write_manifest(folder, opened.manifest.model_copy(update={"files": files}))
