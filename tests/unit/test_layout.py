"""The shape of the repository: sizes, subjects, and what must not be written anywhere."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.runtime import INSIDE_MODULES

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = (
    "static/vendor/",
    "tools/vendor/",
    "tests/scripts/",
    "hal9_ide/templates_gallery/",
    "sandbox/hal9/templates/",
)
OPTIONAL = {"requests", "PIL", "pandas", "numpy", "openai"}
"""What bots' package uses when it is there."""
LONGEST = 400
LONGEST_CRITICAL = 260


def files(*endings: str) -> list[Path]:
    """Return our own committed files with one of these endings."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    names = [name for name in listed if name.endswith(endings) and not name.startswith(NOT_OURS)]
    return [ROOT / name for name in names if (ROOT / name).exists()]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return path.read_text().count("\n")


def test_the_launcher_imports_neither_flask_nor_gevent_nor_sqlalchemy() -> None:
    code = (
        "import app, sys, hal9_ide.ops.serve; print([m for m in ('flask', 'gevent', 'sqlalchemy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Give all nodes of a module but those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")):
            yield node
            yield from nodes(node)


def imported(path: Path) -> set[str]:
    """Return what a module imports: "json", or "./wire" from its own package."""
    found: set[str] = set()
    for node in nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found |= {f"./{node.module}"} if node.module else {f"./{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("module", INSIDE_MODULES)
def test_what_runs_inside_the_sandbox_imports_the_standard_library_and_each_other(module: str) -> None:
    own = {f"./{name}" for name in INSIDE_MODULES}
    assert imported(ROOT / "sandbox" / f"{module}.py") <= own | sys.stdlib_module_names


def test_the_package_for_bots_needs_nothing_installed() -> None:
    for path in (ROOT / "sandbox" / "hal9").rglob("*.py"):
        if "templates" not in path.parts:
            outside = {name for name in imported(path) if not name.startswith("./")} - sys.stdlib_module_names
            assert outside <= {"hal9"} | OPTIONAL, f"{path}: {outside}"


def test_a_file_has_one_subject_and_so_at_most_400_lines() -> None:
    product = [path for path in files(".py", ".js") if path.relative_to(ROOT).parts[0] != "tests"]
    assert {name(path): lines(path) for path in product if lines(path) > LONGEST} == {}


def test_every_module_says_its_subject() -> None:
    modules = [path for path in files(".py") if path.read_text().strip()]
    assert [name(path) for path in modules if not ast.get_docstring(ast.parse(path.read_text()))] == []


def critical_files() -> list[str]:
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("## Security-critical files")[2].partition("\n## ")[0]
    return re.findall(r"`([\w/]+\.\w+)`", table)


@pytest.mark.parametrize("path", critical_files())
def test_a_security_critical_file_is_short(path: str) -> None:
    assert lines(ROOT / path) <= LONGEST_CRITICAL


def test_files_that_the_architecture_names_exist() -> None:
    named = re.findall(r"`((?:\w+/)+[\w.]*)`", (ROOT / "ARCHITECTURE.md").read_text())
    missing = [path for path in named if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()]
    assert missing == []


def test_no_page_makes_markup_from_text() -> None:
    written = re.compile(r"\.(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write\(|\beval\(|new Function\(|srcdoc")
    assert [
        name(path) for path in files(".js", ".html") if path.parts[-2] != "js" and written.search(path.read_text())
    ] == []


def test_no_template_has_an_inline_handler_or_style() -> None:
    inline = re.compile(r"<[^>]*\s(on\w+|style)=")
    assert [
        name(path) for path in files(".html") if "templates" in path.parts and inline.search(path.read_text())
    ] == []


def test_a_skipped_test_says_why() -> None:
    bare = re.compile(r"pytest\.(mark\.)?(skip|xfail)(\(\s*\)|\s*$)", re.M)
    assert [name(path) for path in files(".py") if bare.search(path.read_text())] == []
