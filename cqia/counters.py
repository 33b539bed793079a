"""What each process counts by itself. Web processes and workers of one machine share a folder under CQIA_VAR, so that whoever is
asked tells of all; a command counts for nobody."""

import os
from pathlib import Path

if os.environ.get("CQIA_PROCESS") in ("web", "worker"):  # the client looks at its variable once, when it is imported
    _var = os.environ.get("CQIA_VAR") or Path(__file__).resolve().parent.parent / "var"
    _folder = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(Path(_var) / "metrics")))
    _folder.mkdir(parents=True, exist_ok=True)

from prometheus_client import Counter, Histogram

BUCKETS = (0.025, 0.05, 0.1, 0.15, 0.2, 0.4, 1.0, 3.0, 5.0, 15.0)
REQUESTS = Counter("zhumo_http_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("zhumo_http_request_seconds", "How long they took", ["route"], buckets=BUCKETS)
TASKS = Counter("zhumo_tasks", "Tasks that workers ended", ["task", "how"])


def forget_the_dead() -> None:
    """Drop what processes counted that are no more: their files would be read for ever. Prometheus takes it for a restart."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        for path in Path(folder).glob("*.db"):
            if not Path("/proc", path.stem.rsplit("_", 1)[-1]).exists():
                path.unlink(missing_ok=True)
