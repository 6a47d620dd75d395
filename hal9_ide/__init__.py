"""Hal9 IDE: write a Python chatbot in the browser, talk to it, give people a link."""

import re
from pathlib import Path


def _version() -> str:
    """Return the version that CHANGELOG.md says is the newest; 0 in a clone without one."""
    changelog = Path(__file__).resolve().parents[1] / "CHANGELOG.md"
    found = re.search(r"^## \[?v?(\d[\w.]*)", changelog.read_text() if changelog.is_file() else "", re.MULTILINE)
    return found[1] if found else "0"


__version__ = _version()
