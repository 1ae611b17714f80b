"""Whether a GPU is used. No test has one: the files of devices are named by the tests."""

import os

import pytest

from duygu.services.diagnosis.findings import CheckFailedError, Note
from duygu.services.diagnosis.gpu import check_gpu
from duygu.shared.config.settings import Settings

REFERENCE = os.environ.get("DUYGU_TEST_REFERENCE") == "1"


def test_without_a_gpu_the_cpu_computes(settings: Settings) -> None:
    """That is no problem of the default engine."""
    assert "CPU" in check_gpu(settings, ("/nowhere",))


def test_an_unused_gpu_is_a_note(settings: Settings) -> None:
    """A GPU that the default engine does not use is named, with the engine that would."""
    with pytest.raises(Note, match="/dev/null is not used") as note:
        check_gpu(settings, ("/nowhere", "/dev/null"))
    assert "DUYGU_ENGINE=reference" in note.value.hint


@pytest.mark.skipif(not REFERENCE, reason="set DUYGU_TEST_REFERENCE=1 to run the reference engine")
@pytest.mark.reference
def test_the_reference_engine_says_why_not(settings: Settings) -> None:
    """A GPU that torch does not see comes with what torch needs; where torch sees one, it is used."""
    import torch

    reference = settings.model_copy(update={"engine": "reference"})
    if torch.cuda.is_available():
        assert "is used" in check_gpu(reference, ("/dev/null",))
        return
    assert "CPU" in check_gpu(reference, ("/nowhere",))
    with pytest.raises(Note, match="not used") as note:
        check_gpu(reference, ("/dev/null",))
    assert "CUDA" in note.value.hint + note.value.problem


def test_the_reference_engine_needs_torch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch the check fails with the extra that has it."""
    monkeypatch.setattr("duygu.services.diagnosis.gpu.find_spec", lambda _: None)
    with pytest.raises(CheckFailedError, match="needs torch"):
        check_gpu(settings.model_copy(update={"engine": "reference"}), ())
