"""Files of our own: for ever the same at their address, and compressed."""

import gzip
import os
import re
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from hal9_ide import static_files
from hal9_ide.static_files import Build, compress
from tests.http.conftest import Browser

SCRIPT = "export const a = 1\n" * 100


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A folder of files and one for compressed copies, in place of ours."""
    root, target = tmp_path / "static", tmp_path / "build"
    (root / "shared").mkdir(parents=True)
    (root / "shared" / "a.js").write_text(SCRIPT)
    (root / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    monkeypatch.setattr(static_files, "ROOT", root)
    monkeypatch.setattr(static_files, "BUILD", target)
    monkeypatch.setattr(static_files, "build", Build(root))
    return root, target


def url(path: str) -> str:
    return static_files.static_url(path)


def test_an_address_holds_for_ever(folders: tuple[Path, Path], stranger: Browser) -> None:
    assert re.fullmatch(r"/static/[0-9a-f]{12}/shared/a\.js", url("shared/a.js"))
    answer = stranger.get(url("shared/a.js"))
    assert (answer.text, answer.headers["Content-Type"]) == (SCRIPT, "text/javascript; charset=utf-8")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Content-Disposition" not in answer.headers


def test_another_builds_address_is_asked_about_again(folders: tuple[Path, Path], stranger: Browser) -> None:
    assert stranger.get("/static/000000000000/shared/a.js").headers["Cache-Control"] == "no-cache"


def test_a_changed_file_changes_every_address(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    before = url("icon.svg")
    (folders[0] / "shared" / "a.js").write_text("export const a = 2\n")
    monkeypatch.setattr(static_files, "LOOK_AGAIN_SECONDS", 0)
    assert url("icon.svg") != before


@pytest.mark.parametrize(("accepted", "sent"), [("gzip, br", "br"), ("gzip", "gzip"), ("gzip;q=0", None), ("", None)])
def test_the_best_copy_that_the_browser_takes(
    folders: tuple[Path, Path], stranger: Browser, accepted: str, sent: str | None
) -> None:
    assert compress(*folders) == 1
    answer = stranger.get(url("shared/a.js"), headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == sent
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    if sent == "gzip":
        assert gzip.decompress(answer.data).decode() == SCRIPT
    if sent:
        assert len(answer.data) < len(SCRIPT) / 10


def test_an_old_copy_is_not_sent_and_made_anew(folders: tuple[Path, Path], stranger: Browser) -> None:
    root, target = folders
    compress(root, target)
    (root / "shared" / "a.js").write_text(SCRIPT + "// new\n")
    os.utime(root / "shared" / "a.js", (2e9, 2e9))
    answer = stranger.get(url("shared/a.js"), headers={"Accept-Encoding": "br"})
    assert "Content-Encoding" not in answer.headers
    assert "// new" in answer.text
    os.utime(root / "shared" / "a.js", (1e9, 1e9))
    compress(root, target)
    assert gzip.decompress((target / "shared" / "a.js.gz").read_bytes()).decode() == SCRIPT


@pytest.mark.parametrize(
    "path", ["../secret.txt", "shared/../../secret.txt", "link.txt", "shared", "nothing.js", "/etc/passwd"]
)
def test_nothing_outside_is_served(folders: tuple[Path, Path], stranger: Browser, path: str) -> None:
    answer = stranger.get(f"/static/x/{path}")
    assert answer.status_code == 404
    assert b"secret" not in answer.data


def test_our_own_files_are_there(app: Flask, stranger: Browser) -> None:
    answer = stranger.get(static_files.static_url("icon.svg"))
    assert answer.status_code == 200
    assert answer.mimetype == "image/svg+xml"


def test_compressed_copies_of_our_own_scripts_have_no_comments(folders: tuple[Path, Path]) -> None:
    root, target = folders
    (root / "shared" / "b.js").write_text("/**\n * Say it.\n */\n// twice\nexport const b = 1 // kept\n" * 40)
    (root / "vendor").mkdir()
    (root / "vendor" / "c.js").write_text("// licence\nexport const c = 1\n" * 40)
    compress(root, target)
    assert gzip.decompress((target / "shared" / "b.js.gz").read_bytes()) == b"export const b = 1 // kept\n" * 40
    assert gzip.decompress((target / "vendor" / "c.js.gz").read_bytes()).startswith(b"// licence")


def test_every_script_of_ours_is_whole_without_its_comments() -> None:
    root = static_files.ROOT
    scripts = [path for path in root.rglob("*.js") if "vendor" not in path.parts]
    assert len(scripts) > 50
    for path in scripts:
        sent = static_files.as_sent(path.relative_to(root), path.read_bytes())
        check = subprocess.run(["node", "--input-type=module", "--check"], input=sent, capture_output=True, check=False)
        assert check.returncode == 0, f"{path}: {check.stderr.decode()}"
