"""An installation's sandbox with another program in it than uv, in the arena."""

import asyncio
import socket
import threading
from dataclasses import replace
from typing import Any

from sandbox import runtime
from sandbox.dialer import Dialer
from sandbox.install_command import InstallLimits
from sandbox.install_failures import Ending
from sandbox.installer import Installation, Tools
from sandbox.limits import MIB
from sandbox.package_index import PackageIndex
from tests.sandbox import arena


def ending(script: str, *, has_network: bool = True, limits: dict[str, Any] | None = None) -> tuple[Ending, list[str]]:
    """Run a Python script where uv would run; return how it ended and what reached a server that is not the index."""
    host = arena.host()
    bounds = replace(InstallLimits(environment_bytes=8 * MIB, environment_files=100), **(limits or {}))
    volumes = arena.new_volumes()
    met: list[str] = []

    async def run(port: int) -> Ending:
        uv = runtime.uv_program(host.state)
        tools = Tools(host, volumes, PackageIndex(f"http://127.0.0.1:{port + 1}/simple"), uv, bounds, Dialer())
        async with Installation(tools, (), lambda line: None) as installation:
            program = ["/usr/bin/python3", "-I", "-c", f"PORT = {port}\n{script}"]
            return await installation._ending(program, has_network=has_network)

    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            try:
                met.append(str(server.accept()[1]))
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            return asyncio.run(run(server.getsockname()[1])), met
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            volumes.drop_all()
