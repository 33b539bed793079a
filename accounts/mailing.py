"""The one letter that we send: how to set a new password."""

import logging
from threading import Thread

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from .models import User

log = logging.getLogger(__name__)


def is_possible() -> bool:
    return bool(settings.EMAIL_HOST)


def send_reset(person: User, address: str) -> Thread:
    """Write to `person` that the page `address` sets a new password. In a thread: who asked learns nothing from how long it takes."""
    subject = _("A new password for %(product)s") % {"product": settings.PRODUCT_NAME}
    text = _(
        "Somebody, you we hope, asked for a new password for %(name)s.\n\n"
        "This address sets one. It works once, for 24 hours:\n%(address)s\n\n"
        "If it was not you, do nothing: your password stays as it is."
    )
    body = text % {"name": person.username, "address": address}
    thread = Thread(target=_send, args=(str(subject), body, person.email), daemon=True)
    thread.start()
    return thread


def _send(subject: str, body: str, to: str) -> None:
    try:
        send_mail(subject, body, None, [to])
    except OSError as error:  # of SMTP, too
        log.error("a letter could not be sent: %s", type(error).__name__)
