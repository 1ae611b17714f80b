"""Pipelines of other packages: `python -I benchmarks/files/peer_pipelines.py NAME VIDEO FRAMES`.

The Python is that of the package's environment. The script imports nothing of Duygu and prints one line of JSON:
seconds and CPU seconds per frame, memory in MB, and the number of faces found in the frames. FRAMES frames are spread
evenly over the video; the first one, which loads the models, is repeated and not measured.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

Pipeline = Callable[[Any], int]
"""Number of faces in a picture (h, w, 3) RGB."""


def fer(*, mtcnn: bool = False) -> Pipeline:
    """Face detector of the package, and its network for emotions."""
    from fer.fer import FER  # type: ignore[import-not-found]

    detector = FER(mtcnn=mtcnn)
    return lambda picture: len(detector.detect_emotions(picture[..., ::-1].copy()))


def fer_mtcnn() -> Pipeline:
    """The same with MTCNN, as the package recommends for accuracy."""
    return fer(mtcnn=True)


def facenet_pytorch() -> Pipeline:
    """Faces and landmarks, without emotions."""
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=True, device="cpu")

    def found(picture: Any) -> int:
        boxes, _ = detector.detect(picture)
        return 0 if boxes is None else len(boxes)

    return found


PIPELINES = {"fer": fer, "fer-mtcnn": fer_mtcnn, "facenet-pytorch": facenet_pytorch}


def pictures(path: str, count: int) -> list[Any]:
    """Frames of the video, evenly spread."""
    import av

    with av.open(path) as container:
        every = max(container.streams.video[0].frames // count, 1)
        chosen = (frame for index, frame in enumerate(container.decode(video=0)) if index % every == 0)
        return [frame.to_ndarray(format="rgb24") for frame, _ in zip(chosen, range(count), strict=False)]


def main(name: str, path: str, count: int) -> None:
    """Measure a pipeline."""
    shown = pictures(path, count)
    pipeline = PIPELINES[name]()
    pipeline(shown[0])
    started, cpu = time.perf_counter(), time.process_time()
    faces = sum(map(pipeline, shown))
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    measured = {"frame_s": wall_s / len(shown), "frame_cpu_s": cpu_s / len(shown), "peak_rss_mb": peak}
    sys.stdout.write(json.dumps({**measured, "faces": faces, "frames": len(shown)}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
