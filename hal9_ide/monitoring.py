"""For programs that watch the server: can it run a bot, and how much goes on."""

import resource

from flask import Blueprint, Response

from hal9_ide import __version__
from hal9_ide.access import services
from hal9_ide.api.speaking import answer
from hal9_ide.errors import Unavailable
from hal9_ide.rules import MONITOR, OPERATOR
from hal9_ide.sockets import open_sockets
from hal9_ide.store import counts

bp = Blueprint("monitoring", __name__)


@bp.get("/healthz")
@MONITOR
def health() -> Response:
    """Answer 200 when the server can run a bot, else 503 with the reason."""
    state = services().runner.health()
    return answer({"ok": True, "version": __version__, "level": state.get("level"), "runs": state.get("runs")})


@bp.get("/metrics")
@OPERATOR
def metrics() -> Response:
    """Answer in Prometheus' text form: the supervisor and the store as they are now, and this web process.

    Nothing is added up in web processes, so any of them can answer for the server.
    """
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415  60 ms, rarely needed
    from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415
    from prometheus_client.registry import Collector, CollectorRegistry  # noqa: PLC0415

    class Now(Collector):
        def collect(self) -> list[GaugeMetricFamily]:
            return [GaugeMetricFamily(f"hal9_ide_{name}", text, value=value) for name, text, value in _values()]

    registry = CollectorRegistry()
    registry.register(Now())
    return Response(generate_latest(registry), mimetype=CONTENT_TYPE_LATEST)


def _values() -> list[tuple[str, str, float]]:
    with services().database.read() as session:
        rows = [(f"{name}_on_record", f"Rows: {name}.", float(n)) for name, n in counts.rows(session).items()]
    try:
        state = services().runner.metrics()
        rows += [(name, f"The supervisor's {name}.", float(n)) for name, n in state.items() if _is_number(n)]
        rows.append(("up", "1 when the supervisor answers.", 1.0))
    except Unavailable:
        rows.append(("up", "1 when the supervisor answers.", 0.0))
    rows.append(("web_sockets", "Open sockets of the web process that answers.", float(len(open_sockets))))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rows.append(("web_peak_memory_bytes", "Peak memory of the web process that answers.", float(peak)))
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
