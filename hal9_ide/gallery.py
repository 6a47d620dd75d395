"""The templates that a new bot can begin as: folders of files beside this module, each with a `template.json`."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent / "templates_gallery"
ABOUT = "template.json"
"""JSON {title, description, order}. Not a file of the bot."""


@dataclass(frozen=True, slots=True)
class Template:
    """A bot to begin with. `files` maps paths, relative to the bot's folder, to contents."""

    id: str
    title: str
    description: str
    order: int
    files: dict[str, bytes]


@cache
def templates() -> dict[str, Template]:
    """Return all templates by id, the simplest first."""
    found = [_template(about.parent) for about in ROOT.glob(f"*/{ABOUT}")]
    return {template.id: template for template in sorted(found, key=lambda each: (each.order, each.id))}


def _template(folder: Path) -> Template:
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_part(path.relative_to(folder))]
    return Template(
        id=folder.name,
        title=about["title"],
        description=about["description"],
        order=about["order"],
        files={path.relative_to(folder).as_posix(): path.read_bytes() for path in paths},
    )


def _is_part(path: Path) -> bool:
    """Leave out the description, and what running a template in place would leave behind."""
    return path.as_posix() != ABOUT and not any(part.startswith((".", "__pycache__")) for part in path.parts)
