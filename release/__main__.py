"""Builds and checks a release, and stops before publishing: `scripts/release`."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION
from release import advisories, artifacts, checks, licences, statements

NEXT = """\
{folder} has the release {version}. Nothing was published. To publish it:

  git tag --sign v{version} && git push origin v{version}
  cosign sign-blob --bundle {folder}/provenance.sigstore.json {folder}/provenance.intoto.json
  twine upload {folder}/duygu-{version}.tar.gz {folder}/duygu-{version}-py3-none-any.whl
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
    except (RuntimeError, ValueError) as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


def _release(folder: Path, allow_dirty: bool, with_images: bool, build_arguments: Sequence[str]) -> None:
    if not allow_dirty:
        checks.check_clean()
    checks.check_changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if licences.main() or advisories.main():
        raise RuntimeError("a package that ships is not permitted or has a known vulnerability")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _say("building the packages")
    sdist, wheel = artifacts.build_packages(folder)
    checks.check_sdist(sdist)
    checks.check_wheel(wheel)
    chart = artifacts.build_chart(folder)
    images = _images(with_images, build_arguments)
    boms = statements.write_sboms(folder)
    statements.write_provenance(folder, [sdist, wheel, chart, *boms], images)
    statements.write_checksums(folder)
    sys.stdout.write(NEXT.format(folder=folder, version=VERSION))
    sys.stdout.write(CHART_NEXT.format(folder=folder, version=VERSION))
    sys.stdout.writelines(IMAGES_NEXT.format(tag=tag) for tag in images)


def _images(wanted: bool, build_arguments: Sequence[str]) -> dict[str, str]:
    if not wanted or not artifacts.has_docker():
        _say("images: SKIPPED, " + ("Docker does not answer" if wanted else "as told"))
        return {}
    _say("building the images")
    images = artifacts.build_images(build_arguments)
    checks.check_image(next(tag for tag in images if tag.startswith("duygu-all:")))
    return images


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
