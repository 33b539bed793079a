"""Workers that are killed: `python -m tests.annotation.crew '{"run": 1, "workers": 3, "kills": 60, …}'`.

Django is set up once, and each worker is a fork of it: a kill -9 then costs milliseconds, and there can be many. `naive` names a folder
in which a worker that calls first and remembers afterwards keeps its marks: the negative control.
"""

import json
import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django

django.setup()

from annotation import drafting_work, ledger, llm  # noqa: E402
from annotation.models import DraftRun  # noqa: E402
from sources import jobs  # noqa: E402

assert llm.openai.OpenAI  # imported once, before anybody is forked


def work(order: dict) -> None:
    """What the beat and a worker do, until nothing is due."""
    jobs.LEASE = ledger.LEASE = drafting_work.timedelta(seconds=order.get("lease", 20))
    drafting_work.BEAT, drafting_work.SLICE = order.get("beat", 5.0), order.get("slice", 30.0)
    drafting_work.IN_FLIGHT, drafting_work.AHEAD = order.get("in_flight", 64), order.get("ahead", 32)
    jobs.MAX_ATTEMPTS = 10**4  # it is we who kill
    until = time.monotonic() + order.get("seconds", 600)
    while time.monotonic() < until and DraftRun.objects.filter(pk=order["run"], state__in=["queued", "running"]).exists():
        drafting_work.work_off(order["run"])
        time.sleep(0.05)


def naive(order: dict) -> None:
    """Call, then mark as done: who is killed in between calls again."""
    done = Path(order["naive"])

    def one(key: str) -> None:
        if not (done / key).exists():
            llm.complete(llm.Request(key, "scripted", [{"role": "user", "content": key}], {}))
            (done / key).touch()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, order["keys"]))


def fork(order: dict) -> int:
    pid = os.fork()
    if not pid:
        try:
            naive(order) if "naive" in order else work(order)
        finally:
            os._exit(0)
    return pid


def main(order: dict) -> None:
    rng = random.Random(order.get("seed", 1))
    crew, left = [fork(order) for _ in range(order.get("workers", 1))], order.get("kills", 0)
    while crew:
        time.sleep(rng.uniform(0.05, order.get("pause", 0.5)) if left else 0.05)
        if left:
            victim = rng.randrange(len(crew))
            os.kill(crew[victim], signal.SIGKILL)
            os.waitpid(crew[victim], 0)
            crew[victim], left = fork(order), left - 1
        else:
            crew = [pid for pid in crew if os.waitpid(pid, os.WNOHANG)[0] == 0]
    print(json.dumps({"kills": order.get("kills", 0) - left}))  # noqa: T201


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
