"""Methods of a study in words, with their sources, for a report and a methods section."""

from collections.abc import Iterator

from duygu.shared.version import VERSION
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.statistics.bootstrap import MIN_PARTICIPANTS
from duygu.shared.workbench.studies.statistics.permutation import MIN_GROUP, compared_groups
from duygu.shared.workbench.studies.statistics.synchrony import PAIR
from duygu.shared.workbench.studies.study import Study

HESTERBERG = (
    "T. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69(4), 2015, section 4.2: "
    "expanded percentile interval."
)
MARIS = (
    "E. Maris and R. Oostenveld, Nonparametric statistical testing of EEG- and MEG-data, Journal of Neuroscience "
    "Methods 164(1), 2007: cluster-based permutation test."
)
BOKER = (
    "S. M. Boker, M. Xu, J. L. Rotondo and K. King, Windowed cross-correlation and peak picking for the analysis of "
    "variability in the association between behavioral time series, Psychological Methods 7(3), 2002: synchrony."
)
BERNIERI = (
    "F. J. Bernieri, Coordinated movement and rapport in teacher-student interactions, Journal of Nonverbal Behavior "
    "12(2), 1988: comparison with pairs of people who were not together."
)
ZHANG = (
    "K. Zhang, Z. Zhang, Z. Li and Y. Qiao, Joint Face Detection and Alignment Using Multitask Cascaded Convolutional "
    "Networks, IEEE Signal Processing Letters 23(10), 2016: MTCNN."
)
GUO = (
    "C. Guo, G. Pleiss, Y. Sun and K. Weinberger, On Calibration of Modern Neural Networks, ICML 2017: temperature "
    "scaling."
)


def sources(study: Study) -> list[str]:
    """The sources of the methods that this study uses."""
    compared = [MARIS] if _is_compared(study) else []
    paired = [BOKER, BERNIERI] if _has_pairs(study) else []
    return [HESTERBERG, *compared, *paired, ZHANG, GUO]


def methods(study: Study) -> Iterator[str]:
    """Paragraphs that describe what was computed in this study, with its versions and settings."""
    yield _analysis(study)
    yield _episodes(study.settings)
    if any(one.baseline for one in study.recordings):
        yield BASELINE
    if study.markers:
        yield _markers(study.settings)
    yield _intervals(study.settings)
    if _is_compared(study):
        yield _comparison(study.settings)
    if _has_pairs(study):
        yield _synchrony(study.settings)


BASELINE = (
    "The baseline of a participant is a part of the recording, or another recording, that shows the participant at "
    "rest. Relative values are those of the recording less those of its baseline; time courses are also given less the "
    "mean probability of the baseline for stimuli of which all recordings have one."
)


def _is_compared(study: Study) -> bool:
    """Whether the groups of a stimulus are compared."""
    stimuli = {unit.stimulus for unit in study.units}
    return any(compared_groups([unit for unit in study.units if unit.stimulus == stimulus]) for stimulus in stimuli)


def _has_pairs(study: Study) -> bool:
    return any(one.row.free.get(PAIR) for one in study.recordings)


def _markers(settings: StudySettings) -> str:
    return (
        f"Around each marker, probabilities are averaged over the {settings.around_s:g} s before it, over its length, "
        f"and over the {settings.around_s:g} s after it; the change is the mean after less the mean before."
    )


def _analysis(study: Study) -> str:
    count, people = len(study.recordings), len({one.row.participant for one in study.recordings})
    models = {one.result.model.sha256: one.result.model for one in study.recordings}
    names = [f"{one.name} {one.version}, SHA-256 {one.sha256}" for one in models.values()]
    programs = sorted({one.result.program.version for one in study.recordings if one.result.program})
    return (
        f"{count} recordings of {people} participants were analysed with Duygu {', '.join(programs) or 'unknown'} "
        f"(tables: Duygu {VERSION}; model {'; '.join(names) or 'none'}). Faces were detected by MTCNN and tracked; "
        "each window of ten pictures was classified by a convolutional network with calibrated probabilities "
        "(temperature scaling). Overlapping windows were divided into spans, each time belonging to the window "
        "with the nearest middle, and means are weighted by time."
    )


def _episodes(settings: StudySettings) -> str:
    return (
        f"An episode of an emotion starts at a probability of {settings.up:g}, ends below {settings.down:g}, continues "
        f"over interruptions of at most {settings.gap_s:g} s, and lasts at least {settings.min_length_s:g} s."
    )


def _intervals(settings: StudySettings) -> str:
    return (
        f"Time courses are means over bins of {settings.step_s:g} s on the clock of the stimulus. Intervals are 95 % "
        f"expanded percentile bootstrap intervals over participants ({settings.resamples} resamples, seed "
        f"{settings.seed}), for at least {MIN_PARTICIPANTS} participants."
    )


def _comparison(settings: StudySettings) -> str:
    return (
        f"Two groups of at least {MIN_GROUP} participants each are compared by a cluster-based permutation test "
        f"({settings.permutations} permutations, seed {settings.seed}, two-sided threshold of Student's t at p = .05, "
        "mass of a cluster: sum of t), from the start of the stimulus on; its p values are corrected over "
        "all times and emotions of a stimulus, not over stimuli."
    )


def _synchrony(settings: StudySettings) -> str:
    return (
        f"Synchrony of a pair is the largest Pearson correlation of their probabilities within a lag of "
        f"{settings.lag_s:g} s, in windows of {settings.window_s:g} s that overlap by half, averaged by Fisher's z. It "
        f"is compared with {settings.permutations} random pairings of the same participants; p values are corrected "
        "over the emotions of a stimulus."
    )
