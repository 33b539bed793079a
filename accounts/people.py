"""What admins do about people: invite, give another role, disable and enable; and the links by which people set a password.

        invite ──link──▶ active ◀──enable/disable──▶ disabled          nobody is ever deleted: their work names them

The last admin stays one: of two who take each other's role away at once, one fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .models import ApiToken, AuditEntry, Link, Role, Session, User

INVITED = timedelta(days=7)
RESET = timedelta(hours=24)


class Refused(Exception):
    """What cannot be done, in words for whoever wanted it. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def invite(*, role: str, by: User, note: str = "") -> tuple[Link, str]:
    """A link for somebody who is to have `role`, and its secret."""
    with transaction.atomic():
        link, secret = Link.make(lives=INVITED, role=role, note=note, by=by)
        _audit(by, "person_invited", f"invitation {link.pk}", role=role, note=note)
    return link, secret


def withdraw(link: Link, *, by: User) -> None:
    """The invitation is void."""
    with transaction.atomic():
        if Link.objects.open().filter(pk=link.pk).update(expires_at=timezone.now()):
            _audit(by, "invitation_withdrawn", f"invitation {link.pk}")


def accept(link: Link, *, username: str, password: str, email: str = "") -> User:
    """A new person by an invitation, once. Raises Refused."""
    with transaction.atomic():
        _use(link)
        person = User(username=username, role=link.role, email=email)
        person.set_password(password)
        _follow_role(person)
        person.save()
        _audit(person, "invitation_accepted", f"person {person}", role=link.role, invitation=link.pk)
    return person


def make_reset_link(person: User, *, by: User | None) -> str:
    """The secret of a link by which `person` can set a new password; earlier ones are void."""
    with transaction.atomic():
        Link.objects.open().filter(person=person).update(expires_at=timezone.now())
        _link, secret = Link.make(lives=RESET, person=person, by=by)
        _audit(by, "password_reset_made", f"person {person}")
    return secret


def reset_password(link: Link, *, password: str) -> User:
    """By a link, once; whoever is signed in as this person is so no more. Raises Refused."""
    with transaction.atomic():
        _use(link)
        person = User.objects.get(pk=link.person_id or 0)
        person.set_password(password)
        person.save(update_fields=["password"])
        Session.objects.filter(user=person).delete()
        _audit(person, "password_reset", f"person {person}")
    return person


def set_role(person: User, role: str, *, by: User | None) -> None:
    """Raises Refused for the last admin."""
    with _changing(person, stays_admin=role == Role.ADMIN) as now:
        if now.role != role:
            _audit(by, "role_changed", f"person {now}", role=[now.role, role])
            now.role = role
            _follow_role(now)
            now.save(update_fields=["role", "is_staff", "is_superuser"])


def disable(person: User, *, by: User | None) -> None:
    """From this moment no session, token or link of theirs opens anything, and pairs that they held are free. What they did stays
    theirs. Raises Refused for the last admin."""
    with _changing(person, stays_admin=False) as now:
        if not now.is_active:
            return
        now.is_active = False
        now.save(update_fields=["is_active"])
        sessions, _rows = Session.objects.filter(user=now).delete()
        tokens = ApiToken.objects.filter(user=now, revoked_at=None).update(revoked_at=timezone.now())
        Link.objects.open().filter(person=now).update(expires_at=timezone.now())
        seats, _rows = now.assignments.filter(review=None).delete()  # by the relation: this app knows nothing of annotation
        _audit(by, "person_disabled", f"person {now}", sessions=sessions, tokens=tokens, seats=seats)


def enable(person: User, *, by: User | None) -> None:
    """They may sign in again; tokens stay revoked."""
    with transaction.atomic():
        if User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
            _audit(by, "person_enabled", f"person {person}")


def end_sessions(person: User, *, by: User, handle: str = "", but: str | None = None) -> int:
    """End the session called `handle`, or all of them except that with the key `but`. Gives how many."""
    mine = Session.objects.filter(user=person)
    ended = [row.pk for row in mine if row.pk != but and handle in ("", row.handle)]
    with transaction.atomic():
        Session.objects.filter(pk__in=ended).delete()
        if ended and by != person:
            _audit(by, "sessions_ended", f"person {person}", sessions=len(ended))
    return len(ended)


@contextmanager
def _changing(person: User, *, stays_admin: bool) -> Iterator[User]:
    """The person, locked together with all admins."""
    with transaction.atomic():
        admins = User.objects.filter(role=Role.ADMIN, is_active=True).select_for_update().order_by("pk")
        others = [admin for admin in admins if admin.pk != person.pk]
        now = User.objects.select_for_update().get(pk=person.pk)
        if now.is_active and now.role == Role.ADMIN and not stays_admin and not others:
            raise Refused("last_admin", _("This is the last admin: make somebody else one first."))
        yield now


def _use(link: Link) -> None:
    if not Link.objects.open().filter(pk=link.pk).update(used_at=timezone.now()):
        raise Refused("link_over", _("This link was used already, or its time is over. Ask for a new one."))


def _follow_role(person: User) -> None:
    """The role is all there is to set: Django's own flags follow it."""
    person.is_staff = person.is_superuser = person.role == Role.ADMIN


def _audit(by: User | None, action: str, subject: str, **detail: Any) -> None:
    AuditEntry.objects.create(by=by, action=action, subject=subject[:200], detail=detail)
