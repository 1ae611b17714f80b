"""Builds and checks a release, and stops before publishing: `scripts/release`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from duygu.shared.errors import DuyguError
from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION
from release import advisories, artifacts, checks, licences, statements

NEXT = """\
{folder} has the release {version}. Nothing was published. To publish it:

  git tag --sign v{version} && git push origin v{version}
  cosign sign-blob --bundle {folder}/provenance.sigstore.json {folder}/provenance.intoto.json
  twine upload {folder}/duygu-{version}.tar.gz {folder}/duygu-{version}-py3-none-any.whl
"""

UNRELEASED = """
CHANGELOG.md has changes under Unreleased, which this release contains. Give them a version before you publish.
"""

IMAGES_NEXT = """\
  docker tag {tag} REGISTRY/{tag} && docker push REGISTRY/{tag}
"""

CHART_NEXT = """\
  helm push {folder}/duygu-{version}.tgz oci://REGISTRY/charts
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, check and describe a release; the exit status is 1 if a check fails."""
    parser = argparse.ArgumentParser(prog="scripts/release", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER", help="where to (default: dist)")
    parser.add_argument("--no-images", action="store_true", help="build no images, also where Docker is there")
    parser.add_argument("--build-argument", action="append", default=[], metavar="ARG", help="goes to `docker build`")
    parser.add_argument("--allow-dirty", action="store_true", help="release the last commit despite later changes")
    options = parser.parse_args(arguments)
    try:
        _release(options.output, options.allow_dirty, not options.no_images, options.build_argument)
    except (DuyguError, RuntimeError, ValueError) as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


def _release(folder: Path, allow_dirty: bool, with_images: bool, build_arguments: Sequence[str]) -> None:
    if not allow_dirty:
        checks.check_clean()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    checks.check_changelog(changelog)
    if licences.main() or advisories.main():
        raise RuntimeError("a package that ships is not permitted or has a known vulnerability")
    artifacts.empty(folder)
    _say("building wheel and source distribution")
    sdist, wheel = artifacts.build_packages(folder)
    _say("installing the wheel in an empty environment, and analysing a video with it")
    checks.check_sdist(sdist)
    checks.check_wheel(wheel)
    chart = artifacts.build_chart(folder)
    images = _images(with_images, build_arguments)
    boms = statements.write_sboms(folder)
    statements.write_provenance(folder, [sdist, wheel, chart, *boms], images)
    statements.write_checksums(folder)
    for file in sorted(folder.iterdir()):
        _say(f"{file.stat().st_size / 1e6:9.2f} MB  {file.name}")
    sys.stdout.write(NEXT.format(folder=folder, version=VERSION))
    sys.stdout.write(CHART_NEXT.format(folder=folder, version=VERSION))
    sys.stdout.writelines(IMAGES_NEXT.format(tag=tag) for tag in images)
    if checks.has_unreleased(changelog):
        sys.stdout.write(UNRELEASED)


def _images(wanted: bool, build_arguments: Sequence[str]) -> dict[str, str]:
    if not wanted or not artifacts.has_docker():
        _say("images: SKIPPED, " + ("Docker does not respond" if wanted else "--no-images"))
        return {}
    images = {}
    for name in artifacts.IMAGES:
        _say(f"building the image {name}")
        tag, identity, size = artifacts.build_image(name, build_arguments)
        _say(f"{size / 1e6:9.2f} MB  {tag}")
        images[tag] = identity
    _say("starting duygu-all, and uploading a video to it")
    checks.check_image(f"duygu-all:{VERSION}")
    return images


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
