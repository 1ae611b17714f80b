"""An ONNX graph that is built node by node."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8


class Graph:
    """Nodes and constants of one ONNX graph. Names of outputs and constants are unique within it."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Append a node with one output; return the output's name, which is `name` where given."""
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def split(self, value: str, sizes: Sequence[int], axis: int, names: Sequence[str] = ()) -> list[str]:
        """Append a Split into parts of these sizes; return the names of its outputs, which are `names` where given."""
        outputs = list(names) or [f"split_{len(self.nodes)}_{index}" for index in range(len(sizes))]
        lengths = self.constant(np.array(sizes, np.int64))
        self.nodes.append(helper.make_node("Split", [value, lengths], outputs, axis=axis))
        return outputs

    def constant(self, values: Any) -> str:
        """Store an array and return its name."""
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def reshape(self, name: str, *shape: int) -> str:
        """Append a Reshape to (N, *shape); N is whatever remains."""
        return self.add("Reshape", name, self.constant(np.array([-1, *shape], np.int64)))

    def model(self, name: str, inputs: onnx.ValueInfoProto, outputs: Sequence[onnx.ValueInfoProto]) -> onnx.ModelProto:
        """The finished model, checked. Raises onnx.checker.ValidationError for an invalid graph."""
        proto = helper.make_graph(self.nodes, name, [inputs], list(outputs), self.initializers)
        model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model


def floats(name: str, shape: Sequence[int | str | None]) -> onnx.ValueInfoProto:
    """An input or output of 32-bit floats; a string or None stands for a dimension that varies."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
