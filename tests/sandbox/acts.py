"""The script of test_hostile.py: try what a sandbox must prevent, and what it must allow; print the results as JSON.

Each act gives "done" or the name of the error. Runs inside the sandbox, standard library only.
"""
# mypy: ignore-errors

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
HOST_PORT = int(sys.argv[1])
ACTS = {}


def act(function):
    """Register an act under its name."""
    ACTS[function.__name__] = function
    return function


def call(*args):
    """Make a system call by number; raise OSError as Python would."""
    if LIBC.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in args]) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def calls(name, *args):
    ACTS[name] = lambda: call(*args)


# System calls by their x86-64 numbers, with arguments that would work if they were let through.
calls("unshare_user", 272, 0x10000000)
calls("unshare_net", 272, 0x40000000)
calls("clone_user", 56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
calls("clone3", 435, ctypes.create_string_buffer(88), 88)
calls("setns", 308, 0, 0)
calls("mount", 165, b"none", b"/tmp", b"tmpfs", 0, 0)
calls("umount", 166, b"/tmp", 0)
calls("fsopen", 430, b"tmpfs", 0)
calls("open_tree", 428, -100, b"/", 0)
calls("pivot_root", 155, b"/", b"/tmp")
calls("chroot", 161, b"/tmp")
calls("open_by_handle", 304, 0, ctypes.create_string_buffer(128), 0)
calls("ptrace_traceme", 101, 0, 0, 0, 0)
calls("ptrace_init", 101, 16, 1, 0, 0)
calls("process_vm_readv", 310, 1, 0, 0, 0, 0, 0)
calls("kcmp", 312, 1, 1, 0, 0, 0)
calls("pidfd_getfd", 438, 0, 0, 0)
calls("add_key", 248, b"user", b"name", b"data", 4, -3)
calls("request_key", 249, b"user", b"name", 0, -3)
calls("keyctl", 250, 0, -3, 0)
calls("bpf", 321, 0, ctypes.create_string_buffer(128), 128)
calls("perf_event_open", 298, ctypes.create_string_buffer(128), 0, -1, -1, 0)
calls("userfaultfd", 323, 1)
calls("io_uring_setup", 425, 4, ctypes.create_string_buffer(128))
calls("io_setup", 206, 1, ctypes.create_string_buffer(8))
calls("fanotify_init", 300, 0, 0)
calls("memfd_create", 319, b"x", 0)
calls("memfd_secret", 447, 0)
calls("shmget", 29, 0, 4096, 0o1600)
calls("msgget", 68, 0, 0o1600)
calls("mq_open", 240, b"x", 0o102, 0o600, 0)
calls("personality", 135, 0x0040000)
calls("modify_ldt", 154, 0, ctypes.create_string_buffer(16), 16)
calls("ioperm", 173, 0, 1, 1)
calls("syslog", 103, 3, ctypes.create_string_buffer(16), 16)
calls("sethostname", 170, b"x", 1)
calls("settimeofday", 164, ctypes.create_string_buffer(16), 0)
calls("reboot", 169, 0, 0, 0, 0)
calls("swapon", 167, b"/bot/app.py", 0)
calls("init_module", 175, 0, 0, b"")
calls("acct", 163, 0)
calls("quotactl", 179, 0, 0, 0, 0)
calls("sync", 162)
calls("mknod_device", 133, b"/bot/null", 0o20666, 259)
calls("mknod_fifo", 133, b"/bot/fifo", 0o10666, 0)
calls("tiocsti", 16, 0, 0x5412, b"x")
calls("x32_getpid", 0x40000000 | 39)
calls("unknown_call", 9999)
calls("getpid", 39)
calls("personality_query", 135, 0xFFFFFFFF)


# Rights and limits


@act
def become_root():
    os.setuid(0)


@act
def nice_up():
    os.nice(-5)


@act
def nice_down():
    os.nice(1)


@act
def raise_limits():
    raised = []
    for name in ("NPROC", "NOFILE", "AS", "FSIZE", "CPU", "CORE"):
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
            raised.append(name)
        except ValueError:
            continue
    if raised:
        return f"raised {raised}"
    raise PermissionError(errno.EPERM, "")


@act
def lower_limits():
    resource.setrlimit(resource.RLIMIT_CPU, (3000, 3000))


@act
def escape_the_oom_killer():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")


@act
def setuid_program():
    path = "/bot/id"
    subprocess.run(["cp", "/usr/bin/id", path], check=True)
    os.chmod(path, 0o6755)
    return subprocess.run([path, "-u"], capture_output=True, text=True, check=False).stdout.strip()


@act
def su():
    return subprocess.run(
        ["su", "-c", "id -u"], capture_output=True, stdin=subprocess.DEVNULL, check=False
    ).stdout.decode()


@act
def run_programs():
    return subprocess.run(
        "echo $((6 * 7)) | cat", shell=True, capture_output=True, text=True, check=False
    ).stdout.strip()


# Files


def writes(name, path, mode="x"):
    def write():
        with open(path, mode) as file:
            file.write("x")

    ACTS[name] = write


for number, path in enumerate(["/x", "/usr/x", "/etc/x", "/dev/x", "/opt/hal9/lib/x", "/opt/hal9/site/x", "/proc/x"]):
    writes(f"write_outside_{number}", path)
for number, path in enumerate(["/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/etc/passwd", "/usr/bin/env"]):
    writes(f"overwrite_{number}", path, "w")
for number, folder in enumerate(["/bot", "/bot/.storage", "/bot/.user", "/bot/.shared", "/tmp", "/dev/shm"]):
    writes(f"write_inside_{number}", f"{folder}/x")


def reads(name, path):
    ACTS[name] = lambda: open(path, "rb").read(100).decode("latin-1") or "empty"


for number, path in enumerate(
    [
        "/etc/shadow",
        "/root/.bashrc",
        "/var/lib/hal9-ide",
        "/proc/kcore",
        "/proc/kmsg",
        "/sys/kernel",
        "/dev/mem",
        "/dev/vda",
    ]
):
    reads(f"read_host_{number}", path)
for number, path in enumerate(["/proc/cmdline", "/proc/keys", "/proc/kallsyms", "/proc/modules"]):
    reads(f"read_masked_{number}", path)
reads("read_passwd", "/etc/passwd")
reads("read_certificates", "/etc/ssl/certs/ca-certificates.crt")


@act
def other_processes():
    return sorted(
        int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) > 2 and int(name) != os.getpid()
    )


@act
def init_memory():
    open("/proc/1/root/etc/hostname").read()


@act
def hard_link_out():
    os.link("/usr/bin/env", "/bot/env")


@act
def plant_symlinks():
    for name, target in (("link", "/etc/passwd"), ("up", "../../../.."), ("loop", "loop")):
        os.symlink(target, f"/bot/{name}")


@act
def replace_mount_points():
    for name in (".storage", ".user", ".shared"):
        try:
            os.rename(f"/bot/{name}", f"/bot/{name}.old")
            return "moved"
        except OSError:
            continue
    os.rmdir("/bot/.storage")


# Network and other sandboxes


def opens(name, *args):
    ACTS[name] = lambda: socket.socket(*args).close()


opens("socket_unix", socket.AF_UNIX, socket.SOCK_STREAM)
opens("socket_inet", socket.AF_INET, socket.SOCK_STREAM)
opens("socket_inet6", socket.AF_INET6, socket.SOCK_DGRAM)
opens("socket_raw", socket.AF_INET, socket.SOCK_RAW, 1)
for family in ("NETLINK", "PACKET", "VSOCK", "ALG", "CAN", "BLUETOOTH", "TIPC", "RDS"):
    opens(f"socket_{family.lower()}", getattr(socket, f"AF_{family}"), socket.SOCK_RAW)


def connects(name, *address):
    ACTS[name] = lambda: socket.create_connection(address, timeout=2).close()


connects("connect_host", "127.0.0.1", HOST_PORT)
connects("connect_metadata", "169.254.169.254", 80)
connects("connect_internet", "1.1.1.1", 443)
connects("connect_name", "example.com", 443)


@act
def connect_itself():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=2).close()


@act
def send_udp():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("8.8.8.8", 53))


# What is left of the server


@act
def descriptors():
    return sorted(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}"))


@act
def environment():
    return sorted(os.environ)


@act
def command_lines():
    found = [open(f"/proc/{pid}/cmdline").read() for pid in os.listdir("/proc") if pid.isdigit()]
    return "secret" in "".join(found)


@act
def signals_to_init():
    os.kill(1, signal.SIGKILL)
    return os.path.exists("/proc/1/stat")


@act
def temporary_files():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")


@act
def signals_to_all():
    child = subprocess.Popen(["sleep", "60"])
    os.kill(-1, signal.SIGKILL)
    return child.wait(10)


def attempt(function):
    """Return what became of an act."""
    try:
        result = function()
    except OSError as error:
        return errno.errorcode.get(error.errno, repr(error))
    except Exception as error:
        return type(error).__name__
    return "done" if result is None else result


if __name__ == "__main__":
    print(json.dumps({name: attempt(function) for name, function in ACTS.items()}))
