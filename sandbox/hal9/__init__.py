"""What a bot gets from `import hal9 as h9`: memory, files, the person's message, and small helpers.

Behaves as the published hal9 2.8.22 does, except where that is broken. Standard library only; what is slow to import
(json, pickle, re, urllib) is imported when it is first needed, since every start of a bot pays for its imports.
"""

from .blocks import extract
from .chat import input
from .events import event
from .memory import load, save
from .models import complete, describe
from .urls import is_url, url_contents

__version__ = "2.8.22+ide.1"

__all__ = ["complete", "describe", "event", "extract", "input", "is_url", "load", "save", "url_contents"]
