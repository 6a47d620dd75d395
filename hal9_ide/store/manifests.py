"""The canonical JSON of a version: which files it has and which of them starts. Its hash is the version's identity."""

import json
from dataclasses import dataclass
from functools import lru_cache

from hal9_ide.store.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Manifest:
    """A version's files, path to hash, and its main file."""

    files: dict[str, str]
    main: str

    def encode(self) -> bytes:
        """Return the canonical bytes: sorted keys, no spaces, UTF-8."""
        fields = {"files": self.files, "main": self.main}
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def load_manifest(blobs: Blobs, sha: str) -> Manifest:
    """Return the manifest stored under `sha`. Raises Absent."""
    fields = json.loads(blobs.get(sha))
    return Manifest(files=fields["files"], main=fields["main"])


@lru_cache(maxsize=256)
def folder_entries(blobs: Blobs, sha: str) -> dict[str, list[object]]:
    """Return the entries of a folder snapshot: path to ["file", sha, size, mode], ["dir"] or ["link", target]."""
    entries: dict[str, list[object]] = json.loads(blobs.get(sha))["entries"]
    return entries
