"""Quantises the ONNX network of a model folder to int8: `python -m training.quantise FOLDER --stills stills48.npz`.

The int8-quantised model is about three times as fast on processors with int8 dot-product instructions. The engine uses
it there, and the network itself elsewhere.
"""

import argparse
from pathlib import Path

from duygu.training.onnx.quantisation import quantise_on_stills
from duygu.training.run.command import run as run_command


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.quantise", description=__doc__)
    parser.add_argument("folder", type=Path, help="model folder written by training.export")
    parser.add_argument("--stills", type=Path, required=True, help="labelled stills (stills48.npz)")
    arguments = parser.parse_args()
    print(quantise_on_stills(arguments.folder, arguments.stills))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
