"""Watches one camera: a live session that is opened again after an interruption."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from websockets.exceptions import InvalidMessage, InvalidStatus, WebSocketException

from duygu.client import Picture, Service, SessionBroken, stream
from duygu.services.watch.capture import FIRST_PAUSE_S, LONGEST_PAUSE_S, Capture, Source
from duygu.services.watch.recording import Recording
from duygu.services.watch.sinks import OutputError, Sink
from duygu.shared.live.messages import CloseCode, FrameError, FrameResult, SessionClosed, SessionCreated, SessionOptions
from duygu.shared.schemas.result import Window

ABNORMAL = 1006
"""The close code of a lost connection."""

TEMPORARY = {
    None,
    ABNORMAL,
    CloseCode.GOING_AWAY,
    CloseCode.INTERNAL,
    CloseCode.RESTARTING,
    CloseCode.TRY_AGAIN,
    CloseCode.IDLE,
}
"""Close codes after which the session is opened again."""

SECOND = 2
"""Number of the first session after an interruption."""

UNAVAILABLE = {502, 503, 504}
"""HTTP statuses of a service that restarts."""


class Watcher:
    """Sends the pictures of one camera and passes the results to the sinks."""

    def __init__(
        self,
        camera: str,
        source: Source,
        service: Service,
        options: SessionOptions | None,
        sinks: Sequence[Sink],
        on_state: Callable[[str], None],
    ) -> None:
        self._camera, self._service, self._options, self._sinks = camera, service, options, sinks
        self._on_state = on_state
        self._stopped = threading.Event()
        self._capture = Capture(source, self._lost)
        self.recording = Recording(source.title)
        self.error: Exception | None = None

    def stop(self) -> None:
        """End after the results of the pictures that were sent."""
        self._stopped.set()
        self._capture.close()

    def run(self) -> None:
        """Watch until the end of a file or `stop`. An error that a retry cannot mend is in `error`."""
        pause_s = FIRST_PAUSE_S
        while not self._stopped.is_set() and self._capture.wait():
            begun = time.monotonic()
            try:
                self._session()
                return
            except (SessionBroken, OSError, WebSocketException, OutputError) as error:
                if not _is_temporary(error):
                    self.error = error
                    self._capture.close()
                    return
                reason = str(error)
            if time.monotonic() - begun > LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            self._lost(f"{self._camera}: {reason}; connecting to the service again in {pause_s:g} s")
            self._stopped.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _session(self) -> None:
        for message in stream(self._pictures(), self._service, self._session_options()):
            if isinstance(message, SessionCreated):
                self.recording.begin(message)
                self._report_baseline()
                for sink in self._sinks:
                    with _as_output_error():
                        sink.opened(self._camera, message.model)
            elif isinstance(message, FrameResult):
                self._windows(self.recording.add(message))
                for sink in self._sinks:
                    with _as_output_error():
                        sink.frame(self._camera, message)
            elif isinstance(message, SessionClosed):
                self._windows(self.recording.end(message))
            elif isinstance(message, FrameError):
                self._on_state(f"{self._camera}: {message.code}: {message.detail}")

    def _session_options(self) -> SessionOptions | None:
        """The options; without the resting face after an interruption, as it was named for the first session."""
        if not self._options or not self._options.baseline or not self.recording.sessions:
            return self._options
        return self._options.model_copy(update={"baseline": None})

    def _report_baseline(self) -> None:
        """Report that a later session has no resting face, once."""
        if self._options and self._options.baseline and self.recording.sessions == SECOND:
            self._on_state(
                f"{self._camera}: no resting face after the interruption; predictions are those without a baseline"
            )

    def _windows(self, windows: Iterator[tuple[int, Window]]) -> None:
        for face_id, window in windows:
            at = self._capture.taken_at(self.recording.last_captured_at)
            for sink in self._sinks:
                with _as_output_error():
                    sink.window(self._camera, face_id, window, at)

    def _lost(self, text: str) -> None:
        self._on_state(text)
        for sink in self._sinks:
            sink.lost(self._camera)

    def _pictures(self) -> Iterator[Picture]:
        """Pictures of one session, from an iterator of its own, as that of the previous session may still wait."""
        for picture in self._capture.pictures():
            self.recording.sent += 1
            yield picture


@contextmanager
def _as_output_error() -> Iterator[None]:
    """Distinguish an output that cannot be written from a connection that is lost: both are an OSError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"an output cannot be written: {error.strerror or error}") from error


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, OutputError):
        return False
    if isinstance(error, SessionBroken):
        return error.close_code in TEMPORARY
    if isinstance(error, InvalidStatus):
        return error.response.status_code in UNAVAILABLE
    if isinstance(error, WebSocketException):
        return isinstance(error, InvalidMessage)  # the connection broke within the handshake
    return True
