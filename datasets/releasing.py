"""What becomes of a frozen version: draft ──▶ released ──▶ withdrawn. And posts that must not be published any more."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuditEntry
from sources.models import Post

from .exporting import Refused, subject
from .models import Takedown, Version

if TYPE_CHECKING:
    from accounts.models import User

State = Version.State


def release(version: Version, *, by: "User | None", changelog: str = "", unknown_licence: bool = False) -> Version:
    """A draft becomes the word of the house. A version with records of unknown licence is released only when `unknown_licence`
    says that this is known; the audit log keeps who said so. Raises Refused."""
    unknown = version.facts.get("unknown_licence", 0)
    if unknown and not unknown_licence:
        raise Refused(
            "unknown_licence",
            _("%(n)d records are of a source whose licence nobody has written down. Settle that first, or release it knowingly.")
            % {"n": unknown},
        )
    detail = {"unknown_licence": unknown, "sha256": version.sha256}
    changes = {"released_at": timezone.now()} | ({"changelog": changelog.strip()} if changelog.strip() else {})
    return _move(version, [State.READY], State.RELEASED, by, "version_released", detail, **changes)


def withdraw(version: Version, *, by: "User | None", reason: str) -> Version:
    """From now on it cannot be downloaded; it stays listed, and says why. Raises Refused."""
    if not reason.strip():
        raise Refused("reason_missing", _("Say why: everybody who used this version will ask."))
    changes = {"withdrawn_at": timezone.now(), "withdrawal": reason.strip()}
    return _move(version, [State.READY, State.RELEASED], State.WITHDRAWN, by, "version_withdrawn", {"reason": reason.strip()}, **changes)


def _move(
    version: Version, before: list[State], to: State, by: "User | None", action: str, detail: dict[str, object], **changes: object
) -> Version:
    with transaction.atomic():
        if not Version.objects.filter(pk=version.pk, state__in=before).update(state=to, **changes):
            raise Refused("wrong_state", _("Somebody was faster: this version is no longer what it was. Load the page again."))
        AuditEntry.objects.create(by=by, action=action, subject=subject(version), detail=detail)
    version.refresh_from_db()
    return version


def take_down(post: Post, *, by: "User | None", reason: str) -> list[Version]:
    """Keep `post` out of every version frozen from now on; give the frozen versions that contain it, newest first, for
    somebody to withdraw. The same post twice is taken down once. Raises Refused."""
    if not reason.strip():
        raise Refused("reason_missing", _("Say why this post must go."))
    with transaction.atomic():
        _takedown, is_new = Takedown.objects.get_or_create(post=post, defaults={"reason": reason.strip(), "by": by})
        if is_new:
            detail = {"reason": reason.strip(), "url": post.url}
            AuditEntry.objects.create(by=by, action="post_taken_down", subject=_name(post), detail=detail)
    return containing(post)


def lift(takedown: Takedown, *, by: "User | None") -> None:
    """The post may be published again."""
    with transaction.atomic():
        AuditEntry.objects.create(by=by, action="takedown_lifted", subject=_name(takedown.post), detail={"reason": takedown.reason})
        takedown.delete()


def containing(post: Post) -> list[Version]:
    """The frozen versions with a record made of `post`, newest first."""
    found = Version.objects.filter(state__in=Version.FROZEN, records__pair__post=post).distinct()
    return list(found.select_related("dataset").order_by("-finished_at", "-pk"))


def _name(post: Post) -> str:
    return f"post {post.source.slug} {post.external_id}"[:200]
