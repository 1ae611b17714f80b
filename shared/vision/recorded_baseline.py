"""The baseline in a file: a recording of one person at rest, or the result of its analysis."""

from pathlib import Path

from pydantic import ValidationError

from duygu.shared.baselines.recordings import recorded_baseline
from duygu.shared.errors import InvalidBaselineError
from duygu.shared.exports.titles import printable
from duygu.shared.model.folder import sha256_of
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import RecordedBaseline, Result, with_sha256
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.options import DecodeLimits

RESULT = ".json"


def baseline_in(path: Path, engine: Engine, limits: DecodeLimits, options: AnalysisOptions) -> RecordedBaseline:
    """The resting face of the only person in a recording, which is analysed, or in a result file (JSON).

    options  of the analysis that the baseline is for; only its measures apply to the recording

    Raises FileNotFoundError, a VideoError for a file that cannot be analysed, InvalidBaselineError for one that is no
    result, and a BaselineError for a recording that shows no resting face.
    """
    if path.suffix.lower() == RESULT:
        return recorded_baseline(_read(path))
    measures = AnalysisOptions(measures=options.measures)
    result = analyze_video(path, engine, limits, measures, name=printable(path.name))
    return recorded_baseline(with_sha256(result, sha256_of(path)))


def _read(path: Path) -> Result:
    try:
        return Result.read(path.read_bytes())
    except ValidationError as error:
        raise InvalidBaselineError("the file is not a result of an analysis") from error
