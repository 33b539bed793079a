"""What can go wrong with a part of the house, as deeds: each hits something, and says what."""

import os
import random
import signal
import time
from collections.abc import Callable

import psycopg
import redis

from tests.engines import Engine, Postgres, Redis
from tests.house import House


class Faults:
    """Deeds by name. Each gives how many processes or connections it hit; what it stopped goes on, what it killed is started again."""

    def __init__(self, house: House, postgres: Postgres, broker: Redis, dice: random.Random) -> None:
        self.house, self.postgres, self.broker, self.dice = house, postgres, broker, dice

    def _of(self, part: str) -> list[int]:
        return sorted(pid for pid, command in self.house.pids().items() if part in command and "manage.py" not in command)

    def _one(self, pids: list[int]) -> list[int]:
        """None, when they are just being started."""
        return [self.dice.choice(pids)] if pids else []

    def _signal(self, pids: list[int], sig: signal.Signals) -> int:
        hit = 0
        for pid in pids:
            try:
                os.kill(pid, sig)
                hit += 1
            except ProcessLookupError:
                continue
        return hit

    def web_process_killed(self) -> int:
        """One that serves: the master, which is the oldest, starts another."""
        return self._signal(self._one(self._of("gunicorn")[1:]), signal.SIGKILL)

    def web_master_killed(self) -> int:
        return self._signal(self._of("gunicorn"), signal.SIGKILL)

    def web_process_stopped_for_3_s(self) -> int:
        return self._pause(self._one(self._of("gunicorn")), 3)

    def importing_worker_killed(self) -> int:
        return self._signal(self._of("-Q work"), signal.SIGKILL)

    def drafting_worker_killed(self) -> int:
        return self._signal(self._of("-Q draft"), signal.SIGKILL)

    def worker_asked_to_end(self) -> int:
        return self._signal(self._of(self.dice.choice(["-Q work", "-Q draft"])), signal.SIGTERM)

    def beat_killed(self) -> int:
        return self._signal(self._of("cqia beat"), signal.SIGKILL)

    def importing_worker_stopped_beyond_its_lease(self) -> int:
        return self._pause(self._of("-Q work"), 22)

    def drafting_worker_stopped_beyond_its_lease(self) -> int:
        return self._pause(self._of("-Q draft"), 22)

    def broker_killed_and_forgetful(self) -> int:
        return self._again(self.broker)

    def broker_wiped(self) -> int:
        with redis.Redis.from_url(self.broker.url) as client:
            client.flushall()
        return 1

    def broker_silent_for_10_s(self) -> int:
        return self._freeze(self.broker, 10)

    def broker_connections_cut(self) -> int:
        with redis.Redis.from_url(self.broker.url) as client:
            return int(client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")) + 1

    def database_killed(self) -> int:
        return self._again(self.postgres)

    def database_connections_cut(self) -> int:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database()"
            ).fetchone()
        return int(found[0]) + 1 if found else 0

    def database_silent_for_4_s(self) -> int:
        return self._freeze(self.postgres, 4)

    def _again(self, engine: Engine) -> int:
        engine.kill()
        time.sleep(self.dice.uniform(0.2, 2.0))
        engine.start()
        return 1

    def _freeze(self, engine: Engine, seconds: float) -> int:
        engine.freeze()
        time.sleep(seconds)
        engine.thaw()
        return 1

    def _pause(self, pids: list[int], seconds: float) -> int:
        hit = self._signal(pids, signal.SIGSTOP)
        time.sleep(seconds)
        self._signal(pids, signal.SIGCONT)
        return hit


WEB = [Faults.web_process_killed] * 9 + [Faults.web_master_killed] * 3 + [Faults.web_process_stopped_for_3_s] * 3
WORKERS = (
    [Faults.importing_worker_killed] * 7 + [Faults.drafting_worker_killed] * 7 + [Faults.worker_asked_to_end] * 4 + [Faults.beat_killed] * 2
)
BROKER = (
    [Faults.broker_killed_and_forgetful] * 4
    + [Faults.broker_wiped] * 3
    + [Faults.broker_silent_for_10_s]
    + [Faults.broker_connections_cut] * 2
)
DATABASE = [Faults.database_killed] * 5 + [Faults.database_connections_cut] * 3 + [Faults.database_silent_for_4_s] * 2
STOPPED = [Faults.importing_worker_stopped_beyond_its_lease] * 3 + [Faults.drafting_worker_stopped_beyond_its_lease] * 2
ALL: list[Callable[[Faults], int]] = [*WEB, *WORKERS, *BROKER, *DATABASE, *STOPPED]
FEW: list[Callable[[Faults], int]] = [
    Faults.web_process_killed, Faults.importing_worker_killed, Faults.drafting_worker_killed, Faults.broker_killed_and_forgetful,
    Faults.database_killed, Faults.database_connections_cut,
]  # fmt: skip
