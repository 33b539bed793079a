"""`Accounts`: one's own account, and what admins do about those of others."""

from collections.abc import Iterator
from typing import Any, cast

from . import rows
from .wire import Wire


class Accounts:
    """A part of `Zhumo`."""

    wire: Wire

    def me(self) -> rows.Me:
        return cast("rows.Me", self.wire.ask("GET", "me/"))

    def my_days(self) -> rows.OwnDays:
        return cast("rows.OwnDays", self.wire.ask("GET", "me/days/"))

    def set_goal(self, goal: int) -> None:
        """Decisions a day: 20, 40, 60, 80, 100, 150 or 200."""
        self.wire.ask("PUT", "me/goal/", json={"goal": goal})

    def tokens(self) -> Iterator[rows.Token]:
        return self.wire.pages("me/tokens/", {})

    def make_token(self, name: str, *, scope: str = "read", days: int = 90) -> rows.MadeToken:
        """Its `secret` is in this answer alone. An answer that got lost is Conflict (`shown_once`): revoke the token, make another."""
        return cast("rows.MadeToken", self.wire.ask("POST", "me/tokens/", json={"name": name, "scope": scope, "days": days}))

    def revoke_token(self, pk: int) -> None:
        self.wire.ask("DELETE", f"me/tokens/{pk}/")

    def sessions(self) -> Iterator[rows.Session]:
        return self.wire.pages("me/sessions/", {})

    def end_sessions(self, session: str | None = None) -> int:
        """That with this handle, or all. Gives how many."""
        return int(self.wire.ask("POST", "me/sessions/end/", json={"session": session} if session else {})["ended"])

    # --- for admins
    def people(self) -> Iterator[rows.Person]:
        return self.wire.pages("people/", {})

    def invite(self, role: str, note: str = "") -> str:
        """The link for whoever is to have this role. It works once, for seven days."""
        return str(self.wire.ask("POST", "invitations/", json={"role": role, "note": note})["link"])

    def invitations(self) -> Iterator[rows.Invitation]:
        return self.wire.pages("invitations/", {})

    def withdraw_invitation(self, pk: int) -> None:
        self.wire.ask("DELETE", f"invitations/{pk}/")

    def change_role(self, person: int, role: str) -> rows.Person:
        return cast("rows.Person", self.wire.ask("POST", f"people/{person}/role/", json={"role": role}))

    def disable(self, person: int) -> rows.Person:
        return cast("rows.Person", self.wire.ask("POST", f"people/{person}/disable/"))

    def enable(self, person: int) -> rows.Person:
        return cast("rows.Person", self.wire.ask("POST", f"people/{person}/enable/"))

    def password_link(self, person: int) -> str:
        """A link by which the person sets a new password, once and for 24 hours."""
        return str(self.wire.ask("POST", f"people/{person}/password-link/")["link"])

    def audit(self, **asked: Any) -> Iterator[rows.AuditEntry]:
        """The newest first. `asked`: by, action, about, since, until."""
        return self.wire.pages("audit/", asked)
