"""Licences of the packages that ship, from their metadata: `python -m release.licences`."""

import re
import sys
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from release.pins import shipped

PERMITTED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "PSF-2.0",
    "Zlib",
}
"""SPDX identifiers. All of them permit to ship a package unchanged beside a program under the MIT licence."""

WORDS = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Names in metadata that are older than SPDX."""

CLASSIFIER = "License :: OSI Approved :: "

OPERATORS = re.compile(r"\s+(AND|OR)\s+|[()]")


def licence(found: PackageMetadata) -> str:
    """The SPDX expression of a package; empty where its metadata has none that is known."""
    if expressions := found.get_all("License-Expression"):
        return str(expressions[0])
    classifiers = [text.removeprefix(CLASSIFIER) for text in found.get_all("Classifier") or ()]
    names = [WORDS[name] for name in classifiers if name in WORDS]
    if names:
        return " OR ".join(names)
    first_line = str((found.get_all("License") or [""])[0]).partition("\n")[0].strip()
    return WORDS.get(first_line, first_line)


def is_permitted(expression: str) -> bool:
    """Whether an SPDX expression can be satisfied with permitted licences alone.

    Of `A OR B` one has to be permitted, of `A AND B` both. Parentheses are read as if they were not there, so that a
    mixture is judged more strictly than it means.
    """
    if " AND " in expression and " OR " in expression:
        return all(part.strip() in PERMITTED for part in OPERATORS.split(expression) if _is_name(part))
    one_of = expression.strip("()").split(" OR ")
    return any(all(name.strip(" ()") in PERMITTED for name in choice.split(" AND ")) for choice in one_of)


def _is_name(part: str | None) -> bool:
    return bool(part and part.strip() and part not in ("AND", "OR"))


def findings() -> dict[str, str]:
    """Licence by package for each that is missing, unknown or not permitted."""
    found = {}
    for name in shipped():
        try:
            expression = licence(metadata(name))
        except PackageNotFoundError:
            found[name] = "not installed"
            continue
        if not is_permitted(expression):
            found[name] = expression or "no licence in its metadata"
    return found


def main() -> int:
    """Print each finding; the exit status is 1 if there is one."""
    found = findings()
    for name, expression in found.items():
        sys.stdout.write(f"licence of {name}: {expression}\n")
    sys.stdout.write(f"licences: {len(shipped()) - len(found)} of {len(shipped())} packages are permitted\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
