"""How gunicorn serves the web application. Addresses and numbers come from the settings (docs/settings.md)."""

import resource

import gunicorn.http.message  # type: ignore[import-untyped]

from hal9_ide.settings import read_settings

settings = read_settings()

bind = f"{settings.host}:{settings.port}" if ":" not in settings.host else f"[{settings.host}]:{settings.port}"
workers = settings.web_workers
worker_class = "hal9_ide.worker.Worker"
worker_connections = 5_000
_, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))  # a chat's socket takes two descriptors
preload_app = False  # gevent patches the library in the worker, before the application is imported

backlog = 1_024
keepalive = 15  # seconds; also bounds how long a client may take to send its headers
timeout = 60  # seconds without a sign of life of the event loop
graceful_timeout = 5  # a worker that was told to end while it was still starting does not hear it
limit_request_fields = 64
limit_request_field_size = 8_190
gunicorn.http.message.MAX_REQUEST_LINE = 32_768 + 256  # its own ceiling is 8190; /devs?code= carries up to 32 kB
limit_request_line = gunicorn.http.message.MAX_REQUEST_LINE

control_socket_disable = True  # it would be made in ~/.gunicorn
accesslog = None
errorlog = "-"
loglevel = "warning"
proc_name = "hal9-ide"
