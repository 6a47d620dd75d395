"""The same script under plain `python3`: what the person would see in a terminal."""

import subprocess
import time
from pathlib import Path

PYTHON = "/usr/bin/python3"


def start(script: Path) -> "subprocess.Popen[bytes]":
    """Start a script with pipes for its input and output."""
    return subprocess.Popen(
        [PYTHON, "-u", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )


def first_byte_cold(script: Path, line: bytes = b"") -> float:
    """Return the seconds from starting the script (its line already there) to its first byte."""
    began = time.perf_counter()
    with start(script) as process:
        assert process.stdin and process.stdout
        if line:
            process.stdin.write(line)
        process.stdout.read(1)
        seconds = time.perf_counter() - began
        process.kill()
    return seconds


def first_byte_warm(script: Path, line: bytes, settle_seconds: float = 0.1) -> float:
    """Return the seconds from giving a line to a script that waits for it, to its first byte."""
    with start(script) as process:
        assert process.stdin and process.stdout
        time.sleep(settle_seconds)
        began = time.perf_counter()
        process.stdin.write(line)
        process.stdout.read(1)
        seconds = time.perf_counter() - began
        process.kill()
    return seconds
