"""Options of an analysis. Each option has an error of its own, `invalid_` and its name."""

from duygu.shared.errors.base import RequestError
from duygu.shared.errors.services import ConfigurationError


class InvalidOptionError(RequestError):
    """An option of the analysis is invalid. Each option has an error of its own, `invalid_` and its name."""

    code = "invalid_option"
    title = "An option of the analysis is invalid"
    status = 422


class InvalidStartError(InvalidOptionError):
    """`start_s` is not a time in seconds from 0."""

    code = "invalid_start_s"
    title = "The option start_s is invalid"


class InvalidEndError(InvalidOptionError):
    """`end_s` is not a time in seconds after `start_s`."""

    code = "invalid_end_s"
    title = "The option end_s is invalid"


class InvalidEveryError(InvalidOptionError):
    """`every_s` is not a positive number of seconds."""

    code = "invalid_every_s"
    title = "The option every_s is invalid"


class InvalidMinFaceError(InvalidOptionError):
    """`min_face` is not a share of the shorter side within the limits."""

    code = "invalid_min_face"
    title = "The option min_face is invalid"


class InvalidMeasuresError(InvalidOptionError):
    """`measures` names an unknown measure."""

    code = "invalid_measures"
    title = "The option measures is invalid"


class InvalidBaselineError(InvalidOptionError):
    """`baseline` is neither `auto`, nor spans in seconds, nor a recording that exists."""

    code = "invalid_baseline"
    title = "The option baseline is invalid"


class BaselineError(RequestError):
    """No face of the video has a baseline."""

    code = "no_baseline"
    title = "No face has a baseline"
    status = 422


class BaselineTooShortError(BaselineError):
    """Faces are visible in the baseline, but none long enough for a window of ten frames without a gap."""

    code = "baseline_too_short"
    title = "The baseline is too short"


class BaselineNoFaceError(BaselineError):
    """The baseline is a span in which no face is visible."""

    code = "baseline_no_face"
    title = "No face is visible in the baseline"


class BaselineSeveralFacesError(BaselineError):
    """Several faces are visible in a baseline that is of one person."""

    code = "baseline_several_faces"
    title = "Several faces are visible in the baseline"


class BaselineSpeakingError(BaselineError):
    """The person speaks in most of the baseline of a live session, which can be repeated in silence."""

    code = "baseline_speaking"
    title = "The person speaks in the baseline"


class BaselineUnsupportedError(BaselineError):
    """The model, or the reference engine, has no predictions relative to a baseline."""

    code = "baseline_unsupported"
    title = "The model has no predictions relative to a baseline"


class InvalidMaxFacesError(InvalidOptionError):
    """`max_faces` is not a number of faces within the limits."""

    code = "invalid_max_faces"
    title = "The option max_faces is invalid"


class InvalidLabelsError(InvalidOptionError, ConfigurationError):
    """`labels` is empty or names a label that the model does not output.

    Also a ConfigurationError, which an unknown label raised in earlier versions.
    """

    code = "invalid_labels"
    title = "The option labels is invalid"
