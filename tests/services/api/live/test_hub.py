"""The registry of live sessions."""

import pytest

from duygu.services.api.live.hub import LONGEST_WAIT_S, NO_WORKER_TIMEOUT_S, is_abandoned

LONG_S = NO_WORKER_TIMEOUT_S + 1


@pytest.mark.parametrize(
    ("waited_s", "silent_s", "abandoned"),
    [
        pytest.param(LONG_S, LONG_S, True, id="no worker replies"),
        pytest.param(LONG_S, 1.0, False, id="workers are slow"),
        pytest.param(1.0, LONG_S, False, id="the first frame after a pause"),
        pytest.param(LONGEST_WAIT_S + 1, 1.0, True, id="this session never gets a reply"),
    ],
)
def test_a_session_ends_only_without_workers(waited_s: float, silent_s: float, abandoned: bool) -> None:
    """Overload delays replies and ends no session, as long as workers reply to some session."""
    assert is_abandoned(waited_s, silent_s) is abandoned
