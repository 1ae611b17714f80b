"""What accompanies a release: a bill of materials, a statement of provenance and checksums."""

import hashlib
import json
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION
from release.artifacts import run
from release.pins import SHIPPED

SBOM = "sbom-{}.cdx.json"
"""Name of a bill of materials (CycloneDX) by the name of its requirements."""

PROVENANCE = "provenance.intoto.json"
CHECKSUMS = "SHA256SUMS"


def sha256(path: Path) -> str:
    """Hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_sboms(folder: Path) -> list[Path]:
    """A bill of materials for each set of pinned packages, with their hashes. Raises ValueError for an invalid one."""
    found = []
    for name in SHIPPED:
        path = folder / SBOM.format(name)
        requirements, project = ROOT / "requirements" / f"{name}.txt", ROOT / "pyproject.toml"
        command: list[str | Path] = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", requirements]
        run([*command, "--pyproject", project, "--output-reproducible", "--spec-version", "1.6", "-o", path])
        check_sbom(path)
        found.append(path)
    return found


def check_sbom(path: Path) -> None:
    """Validate a bill of materials against the schema of CycloneDX 1.6. Raises ValueError."""
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text(encoding="utf-8")):
        raise ValueError(f"{path.name} is no valid CycloneDX: {fault}")


def provenance(files: Iterable[Path], images: dict[str, str]) -> dict[str, Any]:
    """An in-toto statement with SLSA provenance 1: which files came from which commit, and how.

    It is not signed: whoever publishes the release signs it, for example with cosign.
    """
    commit = run(["git", "rev-parse", "HEAD"]).strip()
    subjects = [{"name": path.name, "digest": {"sha256": sha256(path)}} for path in sorted(files)]
    subjects += [{"name": tag, "digest": {"sha256": image.removeprefix("sha256:")}} for tag, image in images.items()]
    pins = [path for name in SHIPPED for path in [ROOT / "requirements" / f"{name}.txt"]]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:duygu:scripts-release:1",
                "externalParameters": {"script": "scripts/release", "version": VERSION},
                "internalParameters": {"python": platform.python_version(), "platform": platform.platform()},
                "resolvedDependencies": [
                    {"uri": "git+file:.", "digest": {"gitCommit": commit}},
                    *({"name": f"requirements/{pin.name}", "digest": {"sha256": sha256(pin)}} for pin in pins),
                ],
            },
            "runDetails": {
                "builder": {"id": "urn:duygu:local"},
                "metadata": {"startedOn": datetime.now(UTC).isoformat(timespec="seconds")},
            },
        },
    }


def write_provenance(folder: Path, files: Iterable[Path], images: dict[str, str]) -> Path:
    """Write the statement of provenance."""
    path = folder / PROVENANCE
    path.write_text(json.dumps(provenance(files, images), indent=2) + "\n", encoding="utf-8")
    return path


def write_checksums(folder: Path) -> Path:
    """Write the hashes of all files, as `sha256sum --check` reads them."""
    path = folder / CHECKSUMS
    files = sorted(file for file in folder.iterdir() if file.is_file() and file != path)
    path.write_text("".join(f"{sha256(file)}  {file.name}\n" for file in files), encoding="utf-8")
    return path
