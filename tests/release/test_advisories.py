"""Known vulnerabilities of the packages that ship."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from release import advisories
from release.pins import shipped


class Database(http.server.BaseHTTPRequestHandler):
    """An OSV database in which one package is vulnerable."""

    vulnerable = "urllib3"

    def do_POST(self) -> None:
        """Respond to a query for one package."""
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        fixed = {"package": {"name": name, "ecosystem": "PyPI"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}]}  # fmt: skip  # noqa: E501
        response = {"vulns": [{"id": "PYSEC-2026-1", "affected": [fixed]}]} if name == self.vulnerable else {}
        body = json.dumps(response).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def database() -> Iterator[list[str]]:
    """Arguments of pip-audit that name a database on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Database)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield ["--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}/"]
    server.shutdown()
    server.server_close()


def test_a_vulnerable_package_fails_the_check(database: list[str]) -> None:
    """The real pip-audit reports the package, its version and the version with the fix."""
    status, text = advisories.judge(advisories.audit(database, limit_s=120))
    assert status == 1
    assert f"urllib3 {shipped()['urllib3']}: PYSEC-2026-1, fixed in 99.0" in text
    assert f"advisories: {len(shipped())} packages checked" in text


def test_without_a_database_the_check_is_skipped_visibly() -> None:
    """A database that cannot be reached is no failure, and the line says what was not done, without an address."""
    nowhere = ["--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:9/"]
    status, text = advisories.judge(advisories.audit(nowhere, limit_s=120))
    assert status == 0
    assert text.startswith("advisories: SKIPPED, ")
    assert "127.0.0.1" not in text


def test_a_database_that_hangs_is_skipped() -> None:
    """The check ends at its time limit."""
    assert advisories.audit(limit_s=0.01) == "no response within 0.01 s"


def test_an_index_without_advisories_is_no_success() -> None:
    """Where pip-audit skips every package, the line does not claim that they were checked."""
    report = {"dependencies": [{"name": "redis", "skip_reason": "not found"}], "fixes": []}
    assert advisories.judge(report) == (0, advisories.SKIPPED.format("the package index has no advisories"))
