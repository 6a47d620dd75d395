"""What people are told when a run ends or is refused: one sentence each, with what to do next."""

from sandbox.limits import Limits

REFUSALS = {
    "busy": "All places are taken at the moment. Try again in a minute.",
    "queue_full": "This bot is still busy with your earlier messages. Wait for an answer, then send it again.",
    "too_many_chats": "Too many new chats from this address. Try again in a minute.",
    "disk_full": "The server is short of disk space, so no new chat can begin. Chats that run go on.",
    "absent": "This chat does not exist any more.",
    "sandbox_unavailable": "The server cannot run bots at the moment. Its operator finds the reason with `doctor`.",
    "failed": "Something went wrong on the server. Your message was not kept; send it again.",
}


def stopped_because(reason: str, limits: Limits) -> str | None:
    """Return the author's sentence for a run that we ended, or None where its end speaks for itself."""
    megabytes = limits.memory_bytes >> 20
    sentences = {
        "out_of_memory": f"Stopped: used more than {megabytes} MB of memory.",
        "timed_out": (
            f"Stopped: one turn may use {limits.cpu_turn_seconds:g} s of processor time "
            f"and take {limits.turn_seconds:g} s in all."
        ),
        "output_limit": f"Stopped: printed more than {limits.output_max_bytes >> 20} MB in one turn.",
        "idle": "Ended: nobody wrote for a while, or the server needed the room. The next message starts it again.",
        "lost": "Ended: the server was restarted. What was shown is kept; the next message starts it again.",
    }
    return sentences.get(reason)


NOT_STARTED = "The sandbox did not start, so the script did not run. The operator finds the reason with `doctor`."
