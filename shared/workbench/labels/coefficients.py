"""Coefficients of agreement and calibration, from counts that can be summed."""

from collections.abc import Iterable, Sequence

BINS = 15
"""Equally wide bins of confidence for the expected calibration error; 15 as in Guo et al. 2017."""

Table = Sequence[Sequence[float]]
"""Square table of counts: rows for one rater, columns for the other."""


def observed_agreement(table: Table) -> float | None:
    """Share of equal ratings; None without any."""
    total: float = sum(sum(row) for row in table)
    same: float = sum(row[index] for index, row in enumerate(table))
    return same / total if total else None


def cohen_kappa(table: Table) -> float | None:
    """Cohen's kappa: agreement beyond the chance of the two raters' own frequencies.

    (p_o - p_e) / (1 - p_e) with p_e = sum over categories of the product of both shares (Cohen, A coefficient of
    agreement for nominal scales, Educational and Psychological Measurement 20, 1960). None where it is undefined:
    without ratings, and when both raters use one and the same category only.
    """
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    total = sum(rows)
    chance = sum(row * column for row, column in zip(rows, columns, strict=True))
    if chance == total * total:
        return None
    same = sum(row[index] for index, row in enumerate(table))
    return float((total * same - chance) / (total * total - chance))


def coincidences(values: Sequence[int]) -> Iterable[tuple[int, int, float]]:
    """The pairs of values within one unit, (value, value, weight), as rows of a coincidence table.

    values  indices of categories, one for each rater who has a value; a unit with fewer than two has no pairs
    """
    for one, value in enumerate(values):
        for other, second in enumerate(values):
            if one != other:
                yield value, second, 1 / (len(values) - 1)


def krippendorff_alpha(table: Table) -> float | None:
    """Krippendorff's alpha for nominal data, from a coincidence table.

    1 - D_o / D_e, with any number of raters and with missing values (Krippendorff, Content Analysis, 4th edition, 2019,
    chapter 12). None where it is undefined: without pairs, and when all values are equal.
    """
    margins = [sum(row) for row in table]
    total = sum(margins)
    expected = total * total - sum(margin * margin for margin in margins)
    if not expected:
        return None
    disagreement = total - sum(row[index] for index, row in enumerate(table))
    return 1 - (total - 1) * disagreement / expected


def expected_disagreement(table: Table) -> float:
    """Share of unequal pairs when ratings are drawn with the frequencies of the rows."""
    margins = [sum(row) for row in table]
    total = sum(margins)
    return 1 - sum(margin * margin for margin in margins) / (total * total) if total else 0.0


def recall(table: Table, category: int) -> float | None:
    """Share of a category's rows that are in its column; None without rows."""
    total = sum(table[category])
    return table[category][category] / total if total else None


def bin_of(confidence: float) -> int:
    """The bin of a confidence, from 0."""
    return min(int(confidence * BINS), BINS - 1)


def calibration_error(counts: Sequence[float], confidences: Sequence[float], right: Sequence[float]) -> float | None:
    """Expected calibration error: mean |confidence - accuracy| over the bins, weighted by their counts.

    counts       number of predictions by bin
    confidences  sum of their confidences by bin
    right        number of correct predictions by bin

    None without predictions.
    """
    total = sum(counts)
    gaps = (abs(confidence - correct) for confidence, correct in zip(confidences, right, strict=True))
    return sum(gaps) / total if total else None
