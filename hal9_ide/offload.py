"""Blocking file work away from the event loop: gevent cannot interrupt a disk's fsync, a real thread can wait."""

import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `work(*args)`, done in a thread of gevent's pool while other requests go on; at once without gevent.

    `work` may touch files only: no database session, no request, no lock of ours.
    """
    if "gevent.monkey" not in sys.modules:
        return work(*args, **kwargs)
    from gevent import get_hub, monkey  # noqa: PLC0415  only where gevent runs the process

    if not monkey.is_module_patched("threading"):
        return work(*args, **kwargs)
    result: T = get_hub().threadpool.apply(work, args, kwargs)
    return result
