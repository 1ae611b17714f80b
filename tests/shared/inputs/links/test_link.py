"""Links: what is allowed, and what is shown of them."""

import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, LinkRefusedError
from duygu.shared.inputs.links.link import link_policy, parse_link


def check(url: str, settings: Settings, **changes: object) -> None:
    """Check a link with these settings."""
    link_policy(settings.model_copy(update=changes)).check(parse_link(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a.mp4",
        "ftp://example.com/a.mp4",
        "file:///etc/passwd",
        "https://",
        "https:///a",
        "https://example.com:99999/",
        "https://example.com/a b",
        "https://example.com/\r\nHost: other",
        "https://[::1/",
        "https://a..b/",
        "https://example.com/" + "x" * 5000,
        "http://example.com/a.mp4",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fd00:ec2::254]/",
        "s3://bucket/key",
        "s3://bucket",
        "s3://user:word@bucket/key",
    ],
)
def test_what_may_not_be_fetched_is_refused_at_once(settings: Settings, url: str) -> None:
    """A malformed link and one to a private address in any notation are refused before a job exists."""
    with pytest.raises(LinkRefusedError):
        check(url, settings)


def test_public_links_are_allowed(settings: Settings) -> None:
    """https is allowed, http only by the settings, and a trusted network with either."""
    check("https://example.com/a.mp4", settings)
    check("https://93.184.216.34:8443/a.mp4", settings)
    check("http://example.com/a.mp4", settings, link_http=True)
    check("http://10.1.2.3/a.mp4", settings, link_networks="10.1.0.0/16")
    with pytest.raises(LinkRefusedError, match="not public"):
        check("http://10.1.2.3/a.mp4", settings, link_http=True)


def test_links_can_be_disabled(settings: Settings) -> None:
    """DUYGU_LINKS=0 refuses every link."""
    with pytest.raises(LinkRefusedError, match="DUYGU_LINKS"):
        check("https://example.com/a.mp4", settings, links=False)
    assert link_policy(settings.model_copy(update={"links": False})).schemes == []


def test_only_listed_buckets_are_read(settings: Settings) -> None:
    """An object is allowed in a listed bucket or below a listed prefix, never in the storage of the service."""
    buckets = {"link_buckets": "open, mixed/in/"}
    check("s3://open/a?b#c.mp4", settings, **buckets)
    check("s3://mixed/in/a.mp4", settings, **buckets)
    for url in ("s3://mixed/inner/a.mp4", "s3://mixed/a.mp4", "s3://other/a.mp4"):
        with pytest.raises(LinkRefusedError, match="DUYGU_LINK_BUCKETS"):
            check(url, settings, **buckets)
    with pytest.raises(LinkRefusedError, match="storage"):
        check("s3://open/jobs/01/upload", settings, storage_url="s3://open/jobs", **buckets)
    assert link_policy(settings.model_copy(update=buckets)).schemes == ["https", "s3"]


def test_secrets_are_not_shown() -> None:
    """Neither the shown form nor the representation has the credentials, the query or the fragment."""
    link = parse_link("https://ann:word@example.com:8443/a%20b/ü.mp4?token=hidden#part")
    assert link.shown == "https://example.com:8443/a%20b/%C3%BC.mp4"
    assert link.path == "/a%20b/%C3%BC.mp4?token=hidden"
    assert link.authorization == {"Authorization": "Basic YW5uOndvcmQ="}
    assert not any(secret in repr(link) for secret in ("ann", "word", "token", "hidden"))


def test_host_names_outside_ascii_are_encoded() -> None:
    """An international host name is encoded as resolvers expect it."""
    assert parse_link("https://exämple.com/").host == "xn--exmple-cua.com"


def test_an_invalid_network_is_an_error(settings: Settings) -> None:
    """An invalid network in the settings is refused at the start."""
    with pytest.raises(ConfigurationError, match="DUYGU_LINK_NETWORKS"):
        link_policy(settings.model_copy(update={"link_networks": "office"}))
