"""The decoding process with its CPU time per stage: `python -m benchmarks.files.profiled_decoder ORDER`.

It is duygu.shared.vision.decode.child with some calls measured. The last line of its standard error is the measurement.
"""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.files.stopwatch import Stopwatch
from duygu.shared.vision.decode import child

DECODE, COPY, DEMUX, MESSAGES, START = "decode", "copy to shared memory", "demux", "messages", "start of the decoder"


def iterated(watch: Stopwatch, stage: str, call: Any) -> Any:
    """Wrap a generator function to measure the time between its results."""

    def watched(*arguments: Any) -> Iterator[Any]:
        items = call(*arguments)
        following = watch.timed(stage, lambda: next(items, items))
        while (item := following()) is not items:
            yield item

    return watched


def main(argument: str) -> None:
    """Decode the file, and write the measurement before the last message."""
    watch = Stopwatch()
    measured: Any = child  # its functions are replaced
    decoder, run = measured.FileDecoder, measured.FileDecoder.run

    def run_measured(running: child.FileDecoder) -> Any:
        before = time.process_time()
        ended = run(running)
        known = sum(watch.spent.values())
        # Threads of the codec work during the other stages, so decoding is what remains.
        spent = {START: before, DECODE: time.process_time() - before - known, **watch.spent}
        sys.stderr.write(json.dumps(spent) + "\n")
        sys.stderr.flush()
        return ended

    decoder.run = run_measured
    decoder._packets = iterated(watch, DEMUX, decoder._packets)
    measured.PictureMaker.write = watch.timed(COPY, measured.PictureMaker.write)
    measured.send = watch.timed(MESSAGES, measured.send)
    child.main(argument)


if __name__ == "__main__":
    main(sys.argv[1])
