"""The door of the web server. gunicorn loads `cqia.wsgi:application`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cqia.settings")
os.environ.setdefault("CQIA_PROCESS", "web")

from django.core.wsgi import get_wsgi_application

from cqia import connections

application = get_wsgi_application()
connections.watch()
