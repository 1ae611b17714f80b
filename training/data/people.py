"""People by digests of their names: a model file can recognise who trained it without holding a readable name."""

import hashlib
from collections.abc import Iterable

from duygu.shared.errors import SubjectLeakError


def person_digest(name: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def require_unseen_people(known: frozenset[str], subjects: Iterable[str]) -> None:
    """Check that none of the subjects trained a network.

    known     digests of the people who trained it
    subjects  names

    Raises SubjectLeakError with the names that are known.
    """
    if leaked := sorted(name for name in set(subjects) if person_digest(name) in known):
        raise SubjectLeakError(
            f"these people trained the network, or the network it started from: {', '.join(leaked)}; "
            "evaluate it on recordings of other people, or give different people different names"
        )
