"""A child of the zygote, from its first breath to its script: two processes, the init of its namespaces and the run.

All confinement is done and looked at before the child says "ready"; only then can it be given a script. The init is
ours for all its life: it keeps rights, in namespaces that hold nothing yet, until it has attached the bot's folders.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import sys
from dataclasses import dataclass, field

from . import confined, kernel, preload

CHANNEL_FD = 3
LISTENER_PORT = 3128
_ROOT = "/newroot"
_MOUNT_POINTS = ("/bot", "/bot/.storage", "/bot/.user", "/bot/.shared", "/tmp", "/dev/shm")
_STREAMS = 5
"""Descriptors that the script's process gets: standard input, output and error, the control pipe, its words."""
_UNBORN_STATUS = 111
_SIOCSIFFLAGS, _IFF_UP_RUNNING = 0x8914, 0x41
_NAMESPACES = kernel.NEWUSER | kernel.NEWNS | kernel.NEWPID | kernel.NEWNET | kernel.NEWIPC | kernel.NEWUTS


@dataclass
class Setup:
    """What the supervisor tells a zygote once."""

    preimports: list[str]
    filter: str
    """The system call filter, in hexadecimal."""
    namespaces_outside: dict[str, str]
    uid: int
    """What a script sees itself as."""
    namespaces: list[dict[str, str]] = field(default_factory=list)
    """Those no child may share: the supervisor's, the zygote's."""


def namespaces(setup: Setup) -> dict[str, str]:
    """Return the namespaces of this process, name → link text."""
    return {name: os.readlink(f"/proc/self/ns/{name}") for name in setup.namespaces_outside}


def bear() -> tuple[int, int]:
    """Fork a child into new namespaces; see kernel.clone. Its cgroup namespace comes later, in its own cgroup."""
    return kernel.clone(_NAMESPACES, signal.SIGCHLD)


def grow_up(setup: Setup, channel_fd: int) -> None:
    """In the child: become an init that never returns, and a process that returns when it is to be a runner."""
    try:
        channel = _alone_with(channel_fd)
        if not channel.recv(16):  # "go": the supervisor has put us where our use is counted and bounded
            os._exit(0)
        listener = _make_namespaces_ours(setup)
        inits, mains = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
    except BaseException as error:
        _die(channel_fd, f"failed: {type(error).__name__}: {error}")
    if pid:
        mains.close()
        _be_init(setup, channel, listener, inits, pid)
    for ours in (channel, listener, inits):
        ours.close()
    _be_main(setup, mains)


def _alone_with(channel_fd: int) -> socket.socket:
    """Keep the channel, at its number, and nothing else that was open; take signals as a new process does."""
    if channel_fd != CHANNEL_FD:  # dup3(2) refuses to do nothing
        os.dup2(channel_fd, CHANNEL_FD, inheritable=False)
    _close_all_but(CHANNEL_FD)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    kernel.control(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    return socket.socket(fileno=CHANNEL_FD)


def _close_all_but(fd: int) -> None:
    os.closerange(0, fd)
    os.closerange(fd + 1, 1 << 30)


def _make_namespaces_ours(setup: Setup) -> socket.socket:
    """Set up ids, host name, network and file tree; return the socket on which the egress proxy will accept."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{setup.uid} 0 1"), ("gid_map", f"{setup.uid} 0 1")):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(fd, text.encode())
        os.close(fd)
    kernel.unshare(kernel.NEWCGROUP)
    socket.sethostname("bot")
    listener = socket.socket()
    fcntl.ioctl(listener, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))
    listener.bind(("127.0.0.1", LISTENER_PORT))
    listener.listen(16)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount(_ROOT, _ROOT, None, kernel.MS_BIND | kernel.MS_REC)
    secure = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", f"{_ROOT}/proc", "proc", secure, "subset=pid,hidepid=2")
    kernel.enter_root(_ROOT)
    return listener


# The init.


def _be_init(setup: Setup, channel: socket.socket, listener: socket.socket, inits: socket.socket, main: int) -> None:
    """Speak with the supervisor for the child; attach its folders; reap; tell how it ended. Never returns."""
    try:
        filter = kernel.Filter(bytes.fromhex(setup.filter))
        for number in (signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)  # to an init without a handler the script's signals do not come
        word = inits.recv(4096)
        if word != b"ready":
            raise RuntimeError(word.decode("utf-8", "replace") or "the run's process has died")
        kernel.drop_rights()
        socket.send_fds(channel, [b"ready"], [listener.fileno()])
        listener.close()
        request, fds, _, _ = socket.recv_fds(channel, 16, 32)
        if not request:
            os._exit(0)
        _hand_over(filter, inits, fds)
        _reap(channel, main)
    except BaseException as error:
        _die(CHANNEL_FD, f"failed: {type(error).__name__}: {error}")


def _hand_over(filter: kernel.Filter, inits: socket.socket, fds: list[int]) -> None:
    """Attach the folders, give up every right, and only then let the run's process have its script."""
    for fd, target in zip(fds[_STREAMS:], _MOUNT_POINTS, strict=True):
        kernel.attach(fd, target)
    kernel.drop_capabilities()
    kernel.control(kernel.PR_SET_DUMPABLE, 0)  # else the script, with the same user id, could read our memory
    filter.set()
    socket.send_fds(inits, [b"run"], fds[:_STREAMS])
    _close_all_but(CHANNEL_FD)


def _reap(channel: socket.socket, main: int) -> None:
    while True:
        pid, status = os.wait()
        if pid == main:
            break
    code = os.waitstatus_to_exitcode(status)
    channel.send(b"exit %d" % (code if code >= 0 else 128 - code))
    os._exit(0)  # the kernel ends whatever the script has left behind


def _die(channel_fd: int, words: str) -> None:
    try:
        os.write(channel_fd, words.encode("utf-8", "replace")[:4096])
    finally:
        os._exit(_UNBORN_STATUS)


# The run's process.


def _be_main(setup: Setup, mains: socket.socket) -> None:
    """Give up every right, prove it, wait for the script; return as a process that the runner can take over."""
    try:
        kernel.drop_rights()
        kernel.drop_capabilities()
        kernel.Filter(bytes.fromhex(setup.filter)).set()
        kernel.control(kernel.PR_SET_DUMPABLE, 1)  # our files in /proc are then our own
        for namespaces in setup.namespaces:
            settings = {f"ns.{name}": link for name, link in namespaces.items()}
            missing = confined.missing_layer({**settings, "control": str(mains.fileno())})
            if missing is not None or not namespaces:
                raise RuntimeError(missing or "there are no namespaces to compare with")
        _renew_randomness()
        mains.send(b"ready")
        request, fds, _, _ = socket.recv_fds(mains, 16, _STREAMS)
    except BaseException as error:
        _die(mains.fileno(), f"{type(error).__name__}: {error}")
    if not request:
        os._exit(0)
    _take_over(_receive(mains, fds))


def _renew_randomness() -> None:
    """OpenSSL renews its random numbers when its process id changes; ours may be the zygote's, in another namespace."""
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(32), 32.0)


def _receive(mains: socket.socket, fds: list[int]) -> bytes:
    """Put the descriptors at their numbers; return the words for the runner."""
    mains.detach()
    spare = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 2 * _STREAMS) for fd in fds]
    for number, fd in enumerate(spare[:4]):
        os.dup2(fd, number, inheritable=True)
    words = b""
    os.lseek(spare[4], 0, os.SEEK_SET)
    while piece := os.read(spare[4], 1 << 20):
        words += piece
    os.closerange(4, 1 << 30)
    return words


def _take_over(words: bytes) -> None:
    """Be as the runner's own program would be here; or start that program, where what is loaded would show."""
    told = json.loads(words)
    argv, variables, script = told["argv"], told["variables"], told["argv"][5]
    os.chdir("/bot")
    if not told["is_runner"] or preload.shows(script, told["own"]):
        os.execve(argv[0], argv, variables)  # noqa: S606
    for name in [name for name in os.environ if name not in variables]:
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    sys.argv = ["-c", *argv[5:]]
