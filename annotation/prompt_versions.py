"""Prompts: numbered files of the release, and versions that admins write. Both end as rows that never change.

A file becomes a row when it is first seen. Numbers count within a purpose; the highest is meant where none is named.
"""

import hashlib
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, User

from .models import PromptVersion, Purpose
from .refusals import Refused

FILES = Path(__file__).parent / "prompts"
PREFIX = {Purpose.DRAFT: "reply", Purpose.SCORE: "score"}  # of the files' names
LONGEST = 20_000  # characters
ADVISORY = 0x9809E  # the class of our advisory lock


def prompts(purpose: str = Purpose.DRAFT) -> QuerySet[PromptVersion]:
    """All versions of a purpose, the newest first. Files that are new here get their rows."""
    for path in sorted(FILES.glob(f"{PREFIX[Purpose(purpose)]}_*.md")):
        _keep(purpose, path.read_text("utf-8").strip(), name=path.stem)
    return PromptVersion.objects.filter(purpose=purpose).order_by("-number")


def prompt(name: str | None = None, purpose: str = Purpose.DRAFT) -> PromptVersion:
    """The version of this name or number, or the newest. Raises Refused("unknown_prompt")."""
    known = prompts(purpose)
    if not name:
        return known[0]
    found = known.filter(name=name).first() or (known.filter(number=int(name)).first() if name.isdecimal() and len(name) < 9 else None)
    if found is None:
        names = ", ".join(known.values_list("name", flat=True)[:20])
        raise Refused("unknown_prompt", _("There is no prompt of this name. There are: %(names)s.") % {"names": names})
    return found


def add_prompt(*, purpose: str, text: str, by: User | None, parent: PromptVersion | None = None, note: str = "") -> PromptVersion:
    """A version that an admin wrote, as the newest. A text that is there already is given back as it is.

    Raises Refused("bad_prompt").
    """
    text = text.replace("\r\n", "\n").strip()
    if purpose not in Purpose.values or not text or len(text) > LONGEST or "\x00" in text:
        raise Refused("bad_prompt", _("A prompt has 1 to %(most)s characters.") % {"most": LONGEST})
    return _keep(purpose, text, by=by, parent=parent, note=note[:300], is_new=True)


@transaction.atomic
def _keep(purpose: str, text: str, *, name: str = "", by: User | None = None, parent: PromptVersion | None = None, note: str = "",
          is_new: bool = False) -> PromptVersion:  # fmt: skip
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if found := PromptVersion.objects.filter(sha256=sha256).first():
        if found.purpose != purpose:
            raise Refused("bad_prompt", _("This text is a prompt for something else already."))
        return found
    with connection.cursor() as cursor:  # one at a time: numbers have no doubles
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [ADVISORY])
    number = 1 + (PromptVersion.objects.filter(purpose=purpose).aggregate(last=Max("number"))["last"] or 0)
    made, was_made = PromptVersion.objects.get_or_create(
        sha256=sha256,
        defaults={
            "purpose": purpose, "number": number, "name": name or f"{purpose}-{number}", "parent": parent, "note": note,
            "text": text, "by": by,
        },
    )  # fmt: skip
    if was_made and is_new:
        AuditEntry.objects.create(by=by, action="prompt_added", subject=made.name, detail={"sha256": sha256, "note": note})
    return made
