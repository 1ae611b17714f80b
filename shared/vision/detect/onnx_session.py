"""ONNX Runtime, set up the one way this engine uses it."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from duygu.shared.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


BYTE_PRODUCTS = {"avx512_vnni", "avx_vnni", "asimddp"}
"""What Linux calls the instructions that add up products of bytes, on x86 and on ARM."""

CPU = Path("/proc/cpuinfo")


@cache
def multiplies_bytes() -> bool:
    """Whether the processor adds up products of bytes at once; without, integers are slower and can overflow."""
    try:
        lines = CPU.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return not BYTE_PRODUCTS.isdisjoint(flags.split())


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
