"""`run`: everything on one machine, with one command. Behind `make run`."""

import hashlib
import json
import os
import secrets
import signal
import socket
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from accounts.models import Role, User
from cqia import embedded
from cqia.celery import app as celery
from cqia.supervisor import Process, Supervisor
from sources.models import Source

PYTHON = [sys.executable]
FIRST_TASKS = ("sources.tasks.resend_hints", "annotation.tasks.draft_resend_hints")  # so that nobody waits for the first beat


def collect_static() -> None:
    """collectstatic, when anything changed since the last time: hashing and compressing take seconds."""
    seen = hashlib.sha256(str(settings.STORAGES).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            seen.update(f"{path} {storage.get_modified_time(path)} {storage.size(path)}\n".encode())
    stamp = settings.STATIC_ROOT / ".stamp"
    if not stamp.exists() or stamp.read_text() != seen.hexdigest():
        call_command("collectstatic", verbosity=0, interactive=False)
        stamp.write_text(seen.hexdigest())


class Command(BaseCommand):
    help = "Start the web server, the workers and the beat (and the demo's own model provider when no other is configured)."
    requires_system_checks: list[str] = []  # `make check` does those; here they would cost a second at each start

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("CQIA_HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        self._must_be_alone()
        if "MAKELEVEL" in os.environ:  # `make run`: who kills make, even with -9, means us
            embedded.die_with_parent(signal.SIGTERM)()
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # also where a script had SIGINT ignored
            signal.signal(sig, self._interrupt)
        door = self._listen(host, port)
        self.url = f"http://{host}:{door.getsockname()[1]}"
        supervisor = Supervisor(settings.VAR / "log")
        try:
            self._prepare(supervisor)
            self._start(supervisor, door)
            self._wait_until_ready(supervisor)
            self._start_beat(supervisor)
            how_to_sign_in = self._first_admin()  # last: a start that fails must not take the only sight of the password with it
            self._say(f"Zhumo is ready at {self.url}  -  {how_to_sign_in}. Ctrl-C ends it; logs are under {supervisor.logs}")
            while True:
                for name in embedded.provided.tend() if embedded.provided else []:
                    self._say(f"{name} ended by itself and is started again; its log lies under {settings.VAR}")
                for name in supervisor.tend():
                    self._say(f"{name} ended by itself and is started again; see {supervisor.logs / name}.log")
                time.sleep(0.5)
        except KeyboardInterrupt:
            self._say("Stopping ...")
        finally:
            self._stop(supervisor)

    def _must_be_alone(self) -> None:
        engines = embedded.provided
        if engines and not engines.is_owner:
            note = settings.VAR / "run.json"
            where = json.loads(note.read_text())["url"] if note.exists() else "another command's"
            raise CommandError(f"The engines under {settings.VAR} are in use: {where}. End that first, or set CQIA_VAR for a second one.")

    @staticmethod
    def _interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    def _listen(self, host: str, wanted: int) -> socket.socket:
        """The socket is bound here and handed on: nobody can take the port in between, and a restarted web server finds it."""
        for port in [*range(wanted, wanted + 50), 0]:
            door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind((host, port))
                door.listen(256)
            except PermissionError as error:
                raise CommandError(f"Port {port} may not be opened by this user: choose one from 1024 on, PORT=8000 make run") from error
            except OSError:
                door.close()
                continue
            if port != wanted:
                self._say(f"Port {wanted} is taken; using {door.getsockname()[1]}")
            return door
        raise CommandError(f"No free port from {wanted} on")

    def _prepare(self, supervisor: Supervisor) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        collect_static()
        self._provide_model(supervisor)
        is_first_start = not Source.objects.exists()
        connection.close()
        if is_first_start:
            self._run_once("load_demo")

    def _first_admin(self) -> str:
        """No password is in the code: the first start makes one and shows it once."""
        if User.objects.exists():
            admin = User.objects.filter(role=Role.ADMIN, is_active=True).values_list("username", flat=True).first() or "NAME"
            return f"sign in as {admin} (forgotten? .venv/bin/python manage.py create_user {admin} --reset)"
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser("admin", password=password, role=Role.ADMIN)
        return f"sign in as admin with the password {password} (shown this once)"

    def _provide_model(self, supervisor: Supervisor) -> None:
        """Without a provider in the environment, the demo's own answers: on loopback, over the same HTTP."""
        self.provider: dict[str, str] = {}
        if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
            return
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.provider = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "demo", "OPENAI_MODEL": "demo"}
        os.environ |= self.provider
        supervisor.add(Process("demo-provider", [*PYTHON, "-m", "cqia.demo_provider", "--port", str(port)]))

    def _start(self, supervisor: Supervisor, door: socket.socket) -> None:
        worker = [*PYTHON, "-m", "celery", "-A", "cqia", "worker", "-lINFO", "--pool", "threads", "--without-gossip", "--without-mingle"]
        as_worker = {"CQIA_PROCESS": "worker"}
        for queue, threads in (("work", "4"), ("draft", "4")):
            command = [*worker, "-Q", queue, "-c", threads, "-n", f"{queue}@%h"]
            supervisor.add(Process(f"worker-{queue}", command, as_worker))
        fd = door.fileno()
        as_web = {"CQIA_PROCESS": "web", "CQIA_BIND": f"fd://{fd}"}
        config = Path(settings.BASE_DIR) / "cqia" / "gunicorn_config.py"
        web = [*PYTHON, "-m", "gunicorn", "-c", str(config), "cqia.wsgi"]
        supervisor.add(Process("web", web, as_web, pass_fds=(fd,)))
        for name in FIRST_TASKS:
            celery.send_task(name, queue="draft" if "draft" in name else "work")
        (settings.VAR / "run.json").write_text(json.dumps({"url": self.url, "pid": os.getpid(), "provider": self.provider}))

    def _start_beat(self, supervisor: Supervisor) -> None:
        """Last: the first hints are out, and its second of starting is better spent on those one waits for."""
        schedule = str(settings.VAR / "beat")
        command = [*PYTHON, "-m", "celery", "-A", "cqia", "beat", "--pidfile=", "-s", schedule, "-l", "WARNING"]
        supervisor.add(Process("beat", command, {"CQIA_PROCESS": "worker"}))

    def _wait_until_ready(self, supervisor: Supervisor, patience: float = 90) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self._is_ready():
                return
            for name in supervisor.tend():
                self._say(f"{name} ended at once; see {supervisor.logs / name}.log")
            time.sleep(0.1)
        raise CommandError(f"It does not get ready: `manage.py doctor` says why, and the logs are under {supervisor.logs}")

    def _is_ready(self) -> bool:
        client = HTTPConnection(self.url.removeprefix("http://"), timeout=5)
        try:
            client.request("GET", "/readyz")
            return client.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            client.close()

    def _run_once(self, command: str) -> None:
        process = Process(command, [*PYTHON, str(settings.BASE_DIR / "manage.py"), command])
        process.start(settings.VAR / "log")
        if process.child and process.child.wait():
            raise CommandError(f"{command} failed; see {settings.VAR / 'log' / command}.log")

    def _stop(self, supervisor: Supervisor) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends us at once, and the kernel the rest
        supervisor.stop()
        if embedded.provided:
            embedded.provided.stop()
        (settings.VAR / "run.json").unlink(missing_ok=True)
        self._say("Stopped.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
