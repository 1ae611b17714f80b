"""Finds the motion of talking mouths and the landmarks of stills: `python -m training.mouth_motion FILE …`.

`training.second_trunk --mouth-motion FILE` makes talking copies of the stills with it.
"""

import argparse
from pathlib import Path

from duygu.training.data.stills import Stills
from duygu.training.mouth_motion.landmarks import find_mouth_motion
from duygu.training.movements.landmarker import FaceLandmarker
from duygu.training.run.command import note
from duygu.training.run.command import run as run_command


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.mouth_motion", description=__doc__)
    parser.add_argument("file", type=Path, help="file to write (.npz)")
    parser.add_argument("--landmarker", type=Path, required=True, help="face_landmarker.task of MediaPipe")
    parser.add_argument("--stills", type=Path, required=True, help="labelled stills (stills48.npz)")
    parser.add_argument("--videos", type=Path, required=True, help="folder of videos of people who talk")
    given = parser.parse_args()
    found = find_mouth_motion(Stills(given.stills).training(), given.videos, FaceLandmarker(given.landmarker))
    found.save(given.file)
    people = len(set(found.motions.recordings.tolist()))
    note(f"{len(found.stills)} stills with a face, {len(found.motions.offsets)} windows of talk of {people} recordings")


if __name__ == "__main__":
    run_command(main)
