"""The supervisor's process: reads the settings, hands the store to the sandbox, opens the door, ends in order.

`python -m hal9_ide.supervise`, a sibling of web, never monkey-patched. Mounts become private before any thread exists.
"""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

import structlog

from hal9_ide.logs import configure_logs
from hal9_ide.network import network_of
from hal9_ide.settings import Settings, read_settings
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.recorder import StoreRecorder
from hal9_ide.store.write import Database
from sandbox import doctor, policy
from sandbox.capacity import Capacity, server_runs
from sandbox.host import Host, SandboxUnavailable, find_host
from sandbox.install_command import InstallLimits
from sandbox.packages import Packages, PackageSettings
from sandbox.rpc import Door
from sandbox.runs import Setup
from sandbox.supervisor import Supervisor
from sandbox.volumes import Volumes, base_folder, enter_private_mounts

log = structlog.get_logger()


def capacity_of(settings: Settings) -> Capacity:
    """Return how many runs there may be at once."""
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Capacity(
        server=settings.runs or server_runs(memory_bytes),
        user=settings.runs_per_user,
        visitor=settings.runs_per_visitor,
        bot=settings.runs_per_bot,
    )


def package_settings(settings: Settings) -> PackageSettings:
    """Return what the operator decided about packages."""
    return PackageSettings(
        are_on=settings.packages == "on",
        index_url=settings.package_index,
        file_hosts=settings.package_hosts,
        most_bytes=settings.environments_bytes,
        kept_seconds=settings.environment_days * 86_400.0,
        free_disk_bytes=settings.free_disk_bytes,
        limits=InstallLimits(
            environment_bytes=settings.environment_bytes,
            environment_files=settings.environment_files,
            install_seconds=float(settings.install_seconds),
        ),
    )


async def serve(settings: Settings, host: Host) -> None:
    """Run the supervisor until SIGTERM or SIGINT."""
    spool = settings.data_dir / "spool"
    for folder in (settings.data_dir, spool, settings.supervisor_socket.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database)
    blobs = Blobs(settings.blobs_dir)
    recorder = StoreRecorder(database, blobs, partial(network_of, settings))
    volumes = Volumes(host, base_folder(host))
    setup = Setup(
        host=host,
        limits=settings.limits,
        capacity=capacity_of(settings),
        recorder=recorder,
        blobs=blobs,
        volumes=volumes,
        packages=Packages(host, volumes, package_settings(settings)),
        spool=spool,
        new_chats_per_minute=settings.new_chats_per_minute,
        free_disk_bytes=settings.free_disk_bytes,
        pool_size=settings.pool_size,
        trusted=policy.parse_trusted(settings.fetch_allow),
    )
    supervisor = Supervisor(setup)
    await supervisor.begin()
    await _until_told_to_end(supervisor, settings.supervisor_socket)
    recorder.close()
    database.close()


async def _until_told_to_end(supervisor: Supervisor, path: Path) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    server = await Door(supervisor).listen(path)
    log.info("supervisor ready")
    housekeeper = loop.create_task(supervisor.housekeep())
    await told.wait()
    housekeeper.cancel()
    server.close()
    path.unlink(missing_ok=True)
    await supervisor.shut_down()


def main() -> int:
    """Run the process; return its exit status."""
    configure_logs()
    settings = read_settings()
    try:
        host = find_host()
        enter_private_mounts(host)
        doctor.require(host)
    except SandboxUnavailable as problem:
        log.error("sandbox unavailable", layer=problem.layer, sentence=problem.sentence, fix=problem.fix)
        return 3
    asyncio.run(serve(settings, host))
    return 0


if __name__ == "__main__":
    sys.exit(main())
