"""What a bot's optional `hal9.yaml` (older: `coworker.yaml`) says: hostile text, read with bounds."""

from typing import Any

import yaml

YAML_BYTES = 16 << 10
WELCOME_CHARACTERS = 8_000

# Opening brackets alone, 16 KiB of them, kept the parser in Python busy for 3.5 s; libyaml refused them in 1 ms.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def settings_in(data: bytes) -> dict[Any, Any]:
    """Return what a yaml file says; nothing when it is not a mapping. Reads YAML_BYTES, safe tags only."""
    try:
        said = yaml.load(data[:YAML_BYTES].decode("utf-8", "replace"), Loader=_Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):
        return {}
    return said if isinstance(said, dict) else {}


def welcome_of(data: bytes) -> str | None:
    """Return the `welcome` text, or None when there is none or the file cannot be read."""
    welcome = settings_in(data).get("welcome")
    return welcome.strip()[:WELCOME_CHARACTERS] or None if isinstance(welcome, str) else None
