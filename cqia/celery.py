"""The Celery application: `celery -A cqia worker`. Tasks are found in each app's tasks.py."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cqia.settings")

from celery import Celery

app = Celery("cqia")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
