"""Sessions of ONNX Runtime."""

import subprocess
import sys

TWICE = """
from pathlib import Path
import numpy as np
from duygu.shared.paths import ROOT
from duygu.shared.vision.detect.onnx_session import open_session

def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])

picture = np.zeros((1, 720, 1280, 3), np.float32)
sizes = []
for _ in range(4):
    session = open_session(ROOT / "models" / "mtcnn" / "pnet.onnx", threads=1)
    before = resident()
    session.run(None, {session.get_inputs()[0].name: picture})
    sizes.append(resident() - before)
    globals()[f"kept{len(sizes)}"] = session
print(*sizes)
"""


def test_networks_share_their_memory() -> None:
    """Three networks that run after the first one use the memory that the first one needed: together a third more."""
    printed = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=True).stdout
    first, *others = map(int, printed.split())
    assert len(others) == 3
    assert sum(others) < first / 3
