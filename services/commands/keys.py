"""`duygu keys`: create, list and remove API keys in a file."""

from pathlib import Path

from duygu.services.commands.stdout import write_stdout
from duygu.shared.config.api_keys import KeyLimits, Priority, Scope, add_key, remove_key, stored_keys
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError


def add(name: str, file: Path | None, scopes: list[str], priority: str, **limits: int | None) -> int:
    """Create a key, store its hash and print the key; the exit status. Raises ConfigurationError."""
    key = add_key(_keys_file(file), name, frozenset(map(Scope, scopes)), KeyLimits(**limits), Priority(priority))
    write_stdout(f"{key}\n")
    return 0


def list_keys(file: Path | None) -> int:
    """Print the name, scopes, limits and priority of each key; the exit status. Raises ConfigurationError."""
    for key in stored_keys(_keys_file(file)):
        limits = key.limits.model_dump(exclude_none=True)
        facts = [" ".join(sorted(key.scopes)), *(f"{limit.replace('_', '-')} {most}" for limit, most in limits.items())]
        facts += [key.priority] if key.priority is not Priority.INTERACTIVE else []
        write_stdout(f"{key.name}: {', '.join(facts)}\n")
    return 0


def remove(name: str, file: Path | None) -> int:
    """Remove a key; the exit status. Raises ConfigurationError."""
    remove_key(_keys_file(file), name)
    return 0


def _keys_file(named: Path | None) -> Path:
    path = named or Settings().keys_file
    if path is None:
        raise ConfigurationError("no API key file: pass --file or set DUYGU_KEYS_FILE")
    return path
