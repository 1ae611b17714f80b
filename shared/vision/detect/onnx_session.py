"""Configuration of ONNX Runtime sessions."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from duygu.shared.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


INT8_DOT_PRODUCT = {"avx512_vnni", "avx_vnni", "asimddp"}
"""Linux names of the int8 dot-product instructions of x86 and ARM."""

CPU = Path("/proc/cpuinfo")


@cache
def has_int8_dot_product() -> bool:
    """Whether the CPU has int8 dot-product instructions. Without them, int8 is slower and can overflow."""
    try:
        lines = CPU.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return not INT8_DOT_PRODUCT.isdisjoint(flags.split())


@cache
def share_memory() -> bool:
    """Let all networks of the process allocate from one arena. They run one after the other, so that it saves 25 MB.

    False where ONNX Runtime refuses; then each network has an arena of its own.
    """
    import onnxruntime

    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    try:
        onnxruntime.create_and_register_allocator(memory, None)
    except Exception:  # noqa: BLE001 - ONNX Runtime's exceptions have no other common base class
        return False
    return True


def open_session(path: Path, threads: int) -> "onnxruntime.InferenceSession":
    """Load a network for the CPU. `threads` 0 uses one thread per core. Raises ModelError for an unreadable file."""
    # The reference engine is installed without ONNX Runtime.
    import onnxruntime

    # ORT_DISABLE_TELEMETRY, set in duygu/__init__.py, is too late in a program that imported ONNX Runtime first.
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.inter_op_num_threads = 1
    # Spinning idle threads would compete with the decoder for cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if share_memory():
        options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no other common base class
        raise ModelError(f"ONNX Runtime cannot load {path.name}") from error
