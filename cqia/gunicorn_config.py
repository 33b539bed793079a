"""gunicorn's settings for `make run` and for servers alike: `gunicorn -c cqia/gunicorn_config.py cqia.wsgi`."""

import ctypes
import os
import signal
import sys
from typing import Any

os.environ.setdefault("CQIA_PROCESS", "web")  # before anything of ours is imported

bind = os.environ.get("CQIA_BIND", "127.0.0.1:8000")
worker_class = "cqia.web_worker.FairWorker"
workers = int(os.environ.get("CQIA_WEB_PROCESSES", "2"))
threads = int(os.environ.get("CQIA_WEB_THREADS", "8"))
preload_app = True  # loaded once, shared by fork
graceful_timeout = 8
timeout = 60
keepalive = 15
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat must not wait for a disk


def on_starting(server: Any) -> None:
    from cqia import counters  # noqa: PLC0415 - after the variable above

    counters.forget_the_dead()


def when_ready(server: Any) -> None:
    """The application is loaded, and no process forked yet: the pages of memory that hold it stay shared."""
    from django.urls import get_resolver  # noqa: PLC0415 - as above

    from cqia import tuning  # noqa: PLC0415

    _ = get_resolver().url_patterns  # loads all views
    tuning.settle()


def post_fork(server: Any, worker: Any) -> None:
    """A web process does not outlive its master, even one that was killed with -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
