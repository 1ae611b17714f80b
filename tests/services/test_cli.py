"""`duygu` itself."""

import re

import pytest

from services.cli import main


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """For whoever reports a fault."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"duygu \d+(\.\d+)*\n", capsys.readouterr().out)
