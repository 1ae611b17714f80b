"""The thread of the decoding process that copies and sends pictures. The module imports little, as the process does."""

import gc
import os
import traceback
from collections.abc import Callable
from queue import Queue
from threading import Thread
from typing import Any


class PictureSender:
    """Calls a function for each picture in another thread, in order, while the next packets are decoded.

    The decoder releases Python's lock, so that copies and messages take none of its time if there is a second core.
    """

    def __init__(self, send_picture: Callable[..., None], *expected: type[Exception]) -> None:
        """Start the thread.

        expected  exceptions of `send_picture` that `put` and `finish` raise; any other one ends the process
        """
        self._send_picture, self._expected = send_picture, expected
        self._waiting: Queue[tuple[Any, ...] | None] = Queue(1)
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, *picture: Any) -> None:
        """Send a picture later. Waits until the thread has taken the one before. Raises what sending raised so far."""
        self._waiting.put(picture)
        self._raise_error()

    def finish(self) -> None:
        """Wait until all pictures are sent. Raises what sending raised."""
        self._waiting.put(None)
        self._thread.join()
        self._raise_error()

    def _raise_error(self) -> None:
        if self._error:
            raise self._error

    def _run(self) -> None:
        ended = False
        try:
            while picture := self._waiting.get():
                self._send(picture)
                del picture
                gc.collect()  # PyAV's side data and its frame refer to each other
            ended = True
        finally:
            if not ended:  # the main thread would wait forever
                traceback.print_exc()
                os._exit(1)

    def _send(self, picture: tuple[Any, ...]) -> None:
        """Send a picture, unless an earlier one has failed."""
        if self._error:
            return
        try:
            self._send_picture(*picture)
        except self._expected as error:
            self._error = error
