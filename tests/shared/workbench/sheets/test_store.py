"""Kept studies in Redis."""

import pytest
from redis import Redis

from duygu.shared.errors import TooManyStudiesError
from duygu.shared.schemas.study import StudyContent
from duygu.shared.workbench.sheets import store
from duygu.shared.workbench.sheets.store import StudyStore


def test_a_repeated_command_creates_one_study(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that redis-py repeats, as its reply was lost, is no second study and does not meet the limit."""
    monkeypatch.setattr(store, "new_job_id", lambda: "0" * 32)
    studies, content = StudyStore(redis), StudyContent(title="Interviews")
    first = studies.create("ann", content, 1)
    again = studies.create("ann", content, 1)
    assert (again.study_id, again.version) == (first.study_id, 1)
    assert [one.title for one in studies.page("ann", None, 10)[0]] == ["Interviews"]
    monkeypatch.setattr(store, "new_job_id", lambda: "1" * 32)
    with pytest.raises(TooManyStudiesError):
        studies.create("ann", content, 1)
