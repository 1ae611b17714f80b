"""Methods of a study in words, with their sources, for a report and a methods section."""

from collections.abc import Iterator

from duygu.shared.version import VERSION
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.statistics.synchrony import PAIR
from duygu.shared.workbench.studies.study import Study

SOURCES = (
    "T. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69(4), 2015, section 4.2: "
    "expanded percentile interval.",
    "E. Maris and R. Oostenveld, Nonparametric statistical testing of EEG- and MEG-data, Journal of Neuroscience "
    "Methods 164(1), 2007: cluster-based permutation test.",
    "S. M. Boker, M. Xu, J. L. Rotondo and K. King, Windowed cross-correlation and peak picking for the analysis of "
    "variability in the association between behavioral time series, Psychological Methods 7(3), 2002: synchrony.",
    "F. J. Bernieri, Coordinated movement and rapport in teacher-student interactions, Journal of Nonverbal Behavior "
    "12(2), 1988: comparison with pairs of people who were not together.",
    "K. Zhang, Z. Zhang, Z. Li and Y. Qiao, Joint Face Detection and Alignment Using Multitask Cascaded Convolutional "
    "Networks, IEEE Signal Processing Letters 23(10), 2016: MTCNN.",
    "C. Guo, G. Pleiss, Y. Sun and K. Weinberger, On Calibration of Modern Neural Networks, ICML 2017: temperature "
    "scaling.",
)


def methods(study: Study) -> Iterator[str]:
    """Paragraphs that describe the analysis with its versions and settings."""
    yield _analysis(study)
    yield _episodes(study.settings)
    yield _statistics(study.settings)
    if any(one.row.free.get(PAIR) for one in study.recordings):
        yield _synchrony(study.settings)


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


def _statistics(settings: StudySettings) -> str:
    return (
        f"Time courses are means over bins of {settings.step_s:g} s on the clock of the stimulus. Intervals are 95 % "
        f"expanded percentile bootstrap intervals over participants ({settings.resamples} resamples, seed "
        f"{settings.seed}), for at least 5 participants. Two groups of at least 4 participants each are compared by a "
        f"cluster-based permutation test ({settings.permutations} permutations, two-sided threshold of t at p = .05); "
        "its p values are corrected over all times and emotions of a stimulus, not over stimuli."
    )


def _synchrony(settings: StudySettings) -> str:
    return (
        f"Synchrony of a pair is the largest Pearson correlation of their probabilities within a lag of "
        f"{settings.lag_s:g} s, in windows of {settings.window_s:g} s that overlap by half, averaged by Fisher's z. It "
        f"is compared with {settings.permutations} random pairings of the same participants; p values are corrected "
        "over the emotions of a stimulus."
    )
