"""The Celery application: `celery -A cqia worker`. Tasks are found in each app's tasks.py."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cqia.settings")

from celery import Celery, Task
from celery.signals import worker_ready
from django.db.backends.signals import connection_created

from . import counters, tuning


class Counted(Task):
    """A task that says how it ended."""

    def after_return(self, status: str, *rest: object) -> None:
        counters.TASKS.labels(self.name, status.lower()).inc()


@worker_ready.connect
def settle(**_said: object) -> None:
    tuning.settle()
    tuning.give_way()
    connection_created.connect(tuning.make_database_give_way)


app = Celery("cqia", task_cls=Counted)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
