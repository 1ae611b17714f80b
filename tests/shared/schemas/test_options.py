"""The options of an analysis: what is valid, which error an invalid value has, and when options are equal."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duygu.shared.errors import (
    ConfigurationError,
    InvalidEndError,
    InvalidLabelsError,
    InvalidOptionError,
    UnknownParameterError,
)
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.options import (
    ERRORS,
    LATEST_S,
    MOST_FACES,
    NAMES,
    SHORTEST_EVERY_S,
    SMALLEST_FACE,
    AnalysisOptions,
    OptionValues,
    form_fields,
    part_length,
    read_options,
    require_labels,
)

VALID: dict[str, st.SearchStrategy[Any]] = {
    "start_s": st.floats(0, 1000),
    "end_s": st.floats(1000.5, LATEST_S),
    "every_s": st.floats(SHORTEST_EVERY_S, 1e6),
    "labels": st.lists(st.sampled_from(EMOTIONS), min_size=1, max_size=7),
    "min_face": st.floats(SMALLEST_FACE, 1),
    "max_faces": st.integers(1, MOST_FACES),
    "measures": st.just(["movements"]),
    "baseline": st.sampled_from(["auto", "3-13", "0.5-2,20-25.125", [(3, 13.5)], ["4-5", "1-2"]]),
}

INVALID: dict[str, list[Any]] = {
    "start_s": [-0.1, "nan", "inf", 1e300, "1:00", True],
    "end_s": [0, -1, "nan", 1e300, "end", False],
    "every_s": [0, -1, float("nan"), float("inf"), "x", "1 s", True, [1, 2], {}],
    "labels": ["anger,,fear", [], [1], ["x" * 41], 5, [","]],
    "min_face": [0, 0.0099, 1.01, "nan", "6%", False],
    "measures": ["feelings", ["movements", "x"], [], 1, "movements,,movements"],
    "baseline": ["calm", "3", "3-", "13-3", "3-3", "-1-3", "1-1e3", [3, 13], [[3, 13, 14]], [], "1-2,,3-4", 5, True],
    "max_faces": [0, -3, 1.5, "1.5", MOST_FACES + 1, "many", True],
}

options = st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in VALID.items()})


def test_every_option_has_its_error_and_its_argument() -> None:
    """The code of an option's error is `invalid_` and its name, and Python knows the same options."""
    assert {name: error.code for name, error in ERRORS.items()} == {name: f"invalid_{name}" for name in NAMES}
    assert set(OptionValues.__annotations__) == set(NAMES) == set(VALID) == set(INVALID)


@given(options)
def test_any_combination_survives_a_form_and_a_record(values: dict[str, Any]) -> None:
    """Options are the same after they were form fields, and after they were stored as JSON."""
    chosen = read_options(values)
    assert read_options(form_fields(chosen)) == chosen
    assert AnalysisOptions.read(chosen.model_dump_json(exclude_none=True)) == chosen
    assert {name for name in NAMES if getattr(chosen, name) is not None} == {
        name for name, value in values.items() if value is not None
    }


@given(options, st.sampled_from([(name, value) for name, values in INVALID.items() for value in values]))
def test_an_invalid_value_has_the_error_of_its_option(values: dict[str, Any], wrong: tuple[str, Any]) -> None:
    """Whatever else is chosen, the error names the option, with its own code and status 422."""
    name, value = wrong
    with pytest.raises(InvalidOptionError, match=f"`{name}`") as refused:
        read_options({**values, name: value})
    assert (refused.value.code, refused.value.status) == (f"invalid_{name}", 422)
    assert len(refused.value.detail) < 200


def test_an_error_names_the_value_and_the_bound() -> None:
    """The detail of an error suffices to correct the request."""
    with pytest.raises(InvalidOptionError, match=r"`min_face` '2': .* less than or equal to 1"):
        read_options({"min_face": "2"})
    with pytest.raises(
        InvalidOptionError, match=r"`measures` 'movements,pulse': unknown measure 'pulse'; known: movements"
    ):
        read_options({"measures": "movements,pulse"})


@given(st.floats(0, LATEST_S), st.floats(0, LATEST_S))
def test_a_part_ends_after_its_start(start_s: float, end_s: float) -> None:
    """An end that is not after the start is an error of `end_s`, which names the start."""
    if end_s > start_s:
        assert read_options({"start_s": start_s, "end_s": end_s}) == AnalysisOptions(start_s=start_s, end_s=end_s)
    else:
        with pytest.raises(InvalidEndError, match="`end_s`"):
            read_options({"start_s": start_s, "end_s": end_s})


@pytest.mark.parametrize(
    ("duration_s", "start_s", "end_s", "length_s"),
    [
        (10.0, None, None, 10.0),
        (10.0, 4.0, 6.0, 2.0),
        (10.0, 4.0, 60.0, 6.0),
        (None, 4.0, 6.0, 2.0),
        (None, 4.0, None, None),
        (10.0, 12.0, None, 0.0),
    ],
)
def test_the_length_of_a_part(
    duration_s: float | None, start_s: float | None, end_s: float | None, length_s: float | None
) -> None:
    """The length of the part is known once its end or that of the video is."""
    assert part_length(duration_s, start_s, end_s) == length_s


def test_an_unknown_option_is_refused_by_name() -> None:
    """A misspelt option would have no effect."""
    with pytest.raises(UnknownParameterError, match=r"unknown option `label`; known: .*`labels`"):
        read_options({"label": "anger"})


def test_an_empty_field_selects_the_default() -> None:
    """A form sends its empty fields too."""
    assert read_options(dict.fromkeys(NAMES, "")) == AnalysisOptions()


@given(options, options)
def test_fingerprints_tell_options_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Only options that may give different results have different fingerprints; that of the defaults is empty."""
    first, second = read_options(one), read_options(other)

    def effect(chosen: AnalysisOptions) -> dict[str, Any]:
        return {**chosen.model_dump(), "labels": chosen.labels and set(chosen.labels)}

    assert (first.fingerprint == second.fingerprint) == (effect(first) == effect(second))
    assert (first.fingerprint == "") == (first == AnalysisOptions())


def test_the_order_of_labels_does_not_matter() -> None:
    """`labels` is a set, which clients write in any order."""
    prints = {
        AnalysisOptions(labels=labels).fingerprint for labels in itertools.permutations(("anger", "fear", "disgust"))
    }
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("auto", "auto"),
        ("3-13", "3-13"),
        (" 3.0 - 13.50 ", "3-13.5"),
        ("20-25,3-13", "3-13,20-25"),
        ("3-13,5-20", "3-20"),
        ([(3, 13), (20.0001, 25)], "3-13,20-25"),
    ],
)
def test_a_baseline_has_one_normal_form(given: Any, normal: str) -> None:
    """However the spans are written, equal ones have the same text, and so the same fingerprint."""
    chosen = read_options({"baseline": given})
    assert chosen.baseline == normal
    assert chosen.fingerprint == read_options({"baseline": normal}).fingerprint


def test_the_spans_of_a_baseline() -> None:
    """The spans are numbers of seconds; an automatic baseline has none."""
    assert read_options({"baseline": "3-13,20-25.5"}).baseline_spans == [(3.0, 13.0), (20.0, 25.5)]
    assert read_options({"baseline": "auto"}).baseline_spans == read_options({}).baseline_spans == []


def test_a_label_that_the_model_lacks_is_refused() -> None:
    """The error lists the known labels, and is one of the configuration as in earlier versions."""
    require_labels(AnalysisOptions(), ["anger"])
    require_labels(AnalysisOptions(labels=("anger",)), ["anger"])
    with pytest.raises(InvalidLabelsError, match="unknown label joy; known: anger") as refused:
        require_labels(AnalysisOptions(labels=("joy",)), ["anger"])
    assert isinstance(refused.value, ConfigurationError)
