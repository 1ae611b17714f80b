"""ONNX Runtime, set up the one way this engine uses it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


def open_session(path: Path, threads: int) -> "onnxruntime.InferenceSession":
    """Load a network for the CPU. `threads` 0 takes one for each core. Raises ModelError when it is not readable."""
    # The reference engine is installed without it.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.inter_op_num_threads = 1
    # Idle threads that spin would take the cores from the decoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no other base
        raise ModelError(f"{path.name} is no network that ONNX Runtime can load") from error
