"""Many files at once into blobs."""

from collections.abc import Mapping

from hal9_ide.store.blobs import Blobs
from hal9_ide.store.drafts import Content


def store_files(blobs: Blobs, files: Mapping[str, bytes]) -> dict[str, Content]:
    """Store file contents and return their names and sizes by path."""
    hashes = blobs.put_many(files.values())
    return {path: Content(sha, len(data)) for (path, data), sha in zip(files.items(), hashes, strict=True)}
