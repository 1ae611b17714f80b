"""Whether a GPU is used, and why not."""

from importlib.util import find_spec
from pathlib import Path

from duygu.services.diagnosis.findings import CheckFailedError, Note
from duygu.shared.config.settings import Settings

DEVICES = ("/dev/nvidia0", "/dev/kfd", "/dev/dri/renderD128", "/dev/dxg")
"""Files of GPUs on Linux: NVIDIA, AMD, any with a graphics driver, and Windows' subsystem."""


def check_gpu(settings: Settings, devices: tuple[str, ...] = DEVICES) -> str:
    """What computes. Raises Note for a GPU that is there and not used, with the reason and what would use it."""
    found = [device for device in devices if Path(device).exists()]
    if settings.engine == "onnx":
        if not found:
            return "none found; the engine onnx computes on the CPU"
        raise Note(
            f"{found[0]} is not used: the engine onnx computes on the CPU, which is faster than videos play",
            "nothing has to be done; DUYGU_ENGINE=reference uses a GPU for detection, with torch for CUDA",
        )
    return _of_torch(found)


def _of_torch(found: list[str]) -> str:
    if find_spec("torch") is None:
        raise CheckFailedError("the engine reference needs torch", "pip install 'duygu[reference]'")
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()} is used for detection"
    if not found:
        return "none found; the engine reference computes on the CPU"
    if torch.version.cuda is None:
        raise Note(f"{found[0]} is not used: torch {torch.__version__} is built without CUDA", "install a build of torch with CUDA")  # fmt: skip  # noqa: E501
    raise Note(
        f"{found[0]} is not used: torch finds no CUDA device",
        f"check `nvidia-smi`: torch {torch.__version__} needs a driver for CUDA {torch.version.cuda}; in a container, "
        "start it with `--gpus all`",
    )
