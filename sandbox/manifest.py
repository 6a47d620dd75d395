"""What a bot's optional `hal9.yaml` (older: `coworker.yaml`) says: hostile text, read with a safe loader and bounds."""

import yaml

SETTINGS_BYTES = 16 * 1024
WELCOME_CHARACTERS = 8_000


def welcome_of(data: bytes) -> str | None:
    """Return the `welcome` text, or None when there is none or the file cannot be read."""
    try:
        settings = yaml.safe_load(data[:SETTINGS_BYTES].decode("utf-8", "replace"))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    welcome = settings.get("welcome") if isinstance(settings, dict) else None
    return welcome.strip()[:WELCOME_CHARACTERS] or None if isinstance(welcome, str) else None
