"""Progress of a job in stages: fetching a link, the analysis and, on request, the annotated and the blurred video."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from duygu.shared.schemas.result import Result
from duygu.shared.vision.progress import Progress

ANALYSIS_SHARE = 0.35
"""Of the time of a job with an annotated video. For 20 s of 360p the analysis took 3.0 s, the annotated video 6.1 s."""


FETCH_SHARE = 0.1
"""Of the progress of a job that was submitted as a link."""


@dataclass(frozen=True, slots=True)
class Stages:
    """Converts the progress of each stage into progress of the whole job."""

    report: Callable[[Progress], None]
    annotate: bool
    fetched: bool = False  # whether the job began with fetching a link
    blur: bool = False

    def analysed(self, progress: Progress) -> None:
        """Report the progress of the analysis."""
        self._report(self._part_of(progress) if self._renderings else progress)

    def annotating(self, share: float, result: Result) -> None:
        """Report the share of the annotated video that is written."""
        self._rendered(share / self._renderings, result)

    def blurring(self, share: float, result: Result) -> None:
        """Report the share of the video with covered faces that is written, which comes last."""
        self._rendered((self._renderings - 1 + share) / self._renderings, result)

    @property
    def _renderings(self) -> int:
        return self.annotate + self.blur

    def _rendered(self, share: float, result: Result) -> None:
        whole, video = ANALYSIS_SHARE + (1 - ANALYSIS_SHARE) * share, result.video
        time_s = whole * video.duration_s
        self._report(Progress(whole, time_s, video.duration_s, video.frames_decoded, video.frames_analysed))

    def _report(self, progress: Progress) -> None:
        if self.fetched and progress.fraction is not None:
            progress = replace(progress, fraction=FETCH_SHARE + (1 - FETCH_SHARE) * progress.fraction)
        self.report(progress)

    def _part_of(self, progress: Progress) -> Progress:
        fraction = None if progress.fraction is None else progress.fraction * ANALYSIS_SHARE
        return replace(progress, fraction=fraction, time_s=progress.time_s * ANALYSIS_SHARE)
