"""Room on the server's disk: what creates something is refused before what runs is in danger."""

import shutil

from hal9_ide.errors import DiskFull
from hal9_ide.settings import Settings


def check_free_disk(settings: Settings) -> None:
    """Refuse new chats, uploads and deploys when there is too little room. Raises DiskFull."""
    if shutil.disk_usage(settings.data_dir).free < settings.free_disk_bytes:
        raise DiskFull("The server's disk is almost full. What runs goes on; tell the operator.")
