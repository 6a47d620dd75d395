"""What one run of a script may use, and what happens at each bound.

Pure data: the supervisor enforces some of these, the kernel the others (DESIGN: limits are product features). Every
field has a setting `HAL9_IDE_<NAME>`.
"""

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one run; sizes in bytes, times in seconds."""

    memory_bytes: int = 512 * MIB
    """Resident memory of the whole process tree; sampled by the supervisor."""
    address_space_bytes: int = 4 * GIB
    """RLIMIT_AS per process: only a backstop, since idle threads already reserve hundreds of MiB."""
    processes: int = 32
    """Processes and threads of the script together, itself included (RLIMIT_NPROC inside the user namespace)."""
    open_files: int = 64
    file_bytes: int = 64 * MIB
    """The largest file that can be written (RLIMIT_FSIZE)."""
    cpu_turn_seconds: float = 30.0
    """CPU of the whole tree during one turn; the supervisor's."""
    cpu_life_seconds: int = 3600
    """RLIMIT_CPU per process: a backstop, it counts a whole life."""
    turn_seconds: float = 600.0
    """Wall time of a turn."""
    idle_seconds: float = 1800.0
    """A script that waits longer for a message ends `idle`."""
    folder_bytes: int = 64 * MIB
    folder_files: int = 4096
    """Of each folder as a whole, directories counted as files."""
    scratch_bytes: int = 64 * MIB
    scratch_files: int = 4096
    """Of /tmp and /dev/shm together."""
    check_seconds: float = 3.0
    """A start check that has run this long has passed."""
    output_full_speed_bytes: int = 16 * MIB
    output_paced_bytes_per_second: int = 1 * MIB
    output_max_bytes: int = 64 * MIB
    output_kept_bytes: int = 4 * MIB
    """Kept of a turn's output: so much of its head and so much of its tail."""
    queue_messages: int = 8
    queue_bytes: int = 256 * 1024
    volumes_bytes: int = 2 * GIB
    """All mounted folders of the server together."""
