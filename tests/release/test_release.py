"""A release is built, checked and described, and nothing is published."""

import hashlib
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION
from release import artifacts, checks, statements
from release.__main__ import main
from release.artifacts import IMAGES, build_chart
from release.pins import PIN, SHIPPED


def test_a_bill_of_materials_has_every_package_with_its_hash(tmp_path: Path) -> None:
    """Each pinned package is a component with its version, its hashes and a package URL; the file is valid."""
    paths = statements.write_sboms(tmp_path)
    for name, path in zip(SHIPPED, paths, strict=True):
        bom = json.loads(path.read_text())
        pins = dict(PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text()))
        assert {part["name"]: part["version"] for part in bom["components"]} == pins
        assert all(part["purl"].startswith("pkg:pypi/") for part in bom["components"])
        assert all(part["externalReferences"][0]["hashes"] for part in bom["components"])


def test_an_invalid_bill_of_materials_is_refused(tmp_path: Path) -> None:
    """A file that is no CycloneDX does not pass."""
    (path := tmp_path / "bad.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": "x"}')
    with pytest.raises(ValueError, match=r"bad\.json"):
        statements.check_sbom(path)


def test_provenance_names_files_and_commit(tmp_path: Path) -> None:
    """The statement has the hash of each file and image, and the commit that they were built from."""
    (path := tmp_path / "file").write_bytes(b"content")
    statement = statements.provenance([path], {"duygu-all:1": "sha256:abc"})
    digest = hashlib.sha256(b"content").hexdigest()
    assert statement["subject"] == [
        {"name": "file", "digest": {"sha256": digest}},
        {"name": "duygu-all:1", "digest": {"sha256": "abc"}},
    ]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sources = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert sources[0]["digest"] == {"gitCommit": commit.strip()}


def test_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    """`sha256sum --check` accepts them, and notices a change."""
    (tmp_path / "a").write_text("a")
    statements.write_checksums(tmp_path)
    command = ["sha256sum", "--check", "--quiet", statements.CHECKSUMS]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "a").write_text("b")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_unwanted_and_missing_files_are_refused(tmp_path: Path) -> None:
    """A wheel with bytecode and a source distribution without the licence do not pass."""
    with zipfile.ZipFile(wheel := tmp_path / "x.whl", "w") as files:
        files.writestr("duygu/__pycache__/x.pyc", "")
    with pytest.raises(RuntimeError, match="__pycache__"):
        checks.check_wheel(wheel)
    with zipfile.ZipFile(wheel, "w") as files:
        files.writestr("duygu/__init__.py", "")
    with pytest.raises(RuntimeError, match=r"manifest\.json"):
        checks.check_wheel(wheel)
    with tarfile.open(sdist := tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.add(ROOT / "README.md", f"duygu-{VERSION}/README.md")
    with pytest.raises(RuntimeError, match="LICENSE"):
        checks.check_sdist(sdist)


def test_the_changelog_needs_a_date() -> None:
    """A version without a dated section is not released; the present one has it."""
    with pytest.raises(RuntimeError, match=VERSION):
        checks.check_changelog("## [Unreleased]\n")
    checks.check_changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))


def test_changes_without_a_version_are_noticed() -> None:
    """Lines under Unreleased count; those of versions do not."""
    assert checks.has_unreleased("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A.\n\n## [0.1.0] - 2026-01-01\n")
    assert not checks.has_unreleased("# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- A.\n")


def test_only_an_earlier_release_is_erased(tmp_path: Path) -> None:
    """A new release replaces an earlier or interrupted one; a folder with any other file stays as it is."""
    folder = tmp_path / "dist"
    artifacts.empty(folder)
    for name in ("duygu-0.0.9.tar.gz", statements.CHECKSUMS, "sbom-serve.cdx.json", statements.PROVENANCE):
        (folder / name).touch()
    (folder / "source").mkdir()
    artifacts.empty(folder)
    assert list(folder.iterdir()) == []
    (folder / "duygu-0.1.0.tgz").touch()
    (folder / "thesis.odt").touch()
    with pytest.raises(RuntimeError, match=r"contains thesis\.odt"):
        artifacts.empty(folder)
    assert len(list(folder.iterdir())) == 2


def test_the_chart_is_packed(tmp_path: Path) -> None:
    """The package has the values, their schema and every template."""
    with tarfile.open(build_chart(tmp_path)) as files:
        names = set(files.getnames())
    assert {
        "duygu/Chart.yaml",
        "duygu/values.yaml",
        "duygu/values.schema.json",
        "duygu/templates/scaling.yaml",
    } <= names


def test_every_image_has_a_dockerfile() -> None:
    """The names of the images lead to files of the repository."""
    assert all((ROOT / file).is_file() for file in IMAGES.values())


@pytest.mark.wheel
@pytest.mark.timeout(900)
def test_a_release_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command leaves wheel, source distribution, chart, statements and checksums, and says what was not done."""
    folder = tmp_path / "dist"
    assert main(["--no-images", "--allow-dirty", "--output", str(folder)]) == 0, capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} == {
        f"duygu-{VERSION}-py3-none-any.whl",
        f"duygu-{VERSION}.tar.gz",
        f"duygu-{VERSION}.tgz",
        *(f"sbom-{name}.cdx.json" for name in SHIPPED),
        statements.PROVENANCE,
        statements.CHECKSUMS,
    }
    assert "Nothing was published" in capsys.readouterr().out
