"""What people say to each other about a pair, and what all of them did to its texts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import rows
from accounts.models import User
from sources.models import Source

from .decisions import clean_text
from .folding import texts_of
from .models import Assignment, Comment, Draft, Mention, Pair, Review
from .seats import Refused

AT = re.compile(r"@([\w.+-]{1,150})")
MOST_NAMES = 20


def comment(pair: Pair, *, by: User, text: str, op_id: UUID) -> Comment:
    """Say something about `pair`; whoever is named with an @ is told. The same `op_id` again gives the same comment."""
    text = clean_text(text).strip()
    if not text:
        raise Refused("empty", _("There is nothing in it."))
    try:
        with transaction.atomic():
            made = Comment.objects.create(pair=pair, by=by, text=text, op_id=op_id)
            Mention.objects.bulk_create(Mention(comment=made, person=person) for person in named_in(text, pair.source) if person != by)
            return made
    except IntegrityError:
        said = Comment.objects.filter(op_id=op_id, by=by).first()
        if said is None:
            raise Refused("same_key_other_body", _("This key was used for something else.")) from None
        return said


def named_in(text: str, source: Source) -> list[User]:
    """The people named with an @ who may see the source. Names run into the text in Chinese: the longest that fits counts."""
    found: dict[int, User] = {}
    for run in AT.findall(text)[:MOST_NAMES]:
        beginnings = [run[:end] for end in range(1, len(run) + 1)]
        people = User.objects.filter(username__in=beginnings, is_active=True)
        person = max(people, key=lambda one: len(one.username), default=None)
        if person and person.has_role("reviewer") and Source.objects.for_user(person).filter(pk=source.pk).exists():
            found[person.pk] = person
    return list(found.values())


def comments(pair: Pair, user: User) -> list[Comment]:
    """What was said about `pair`. What the others who sit at it say waits until this person has decided."""
    if not rows.read("SELECT 1 FROM annotation_comment WHERE pair_id = %s LIMIT 1", [pair.pk]):
        return []  # most of the time
    others = Assignment.objects.filter(pair=pair).exclude(reviewer=user).values("reviewer")
    said = pair.comments.select_related("by")
    return list(said if may_see_all(pair, user) else said.exclude(by__in=others))


def mentions(user: User) -> QuerySet[Mention]:
    """Where `user` is named, the latest first."""
    mine = Mention.objects.filter(person=user, comment__pair__in=Pair.objects.for_user(user))
    return mine.select_related("comment__by", "comment__pair__source").order_by("-id")


def read_mentions(user: User) -> int:
    """They have been looked at. Gives how many were new."""
    return Mention.objects.filter(person=user, read_at=None).update(read_at=timezone.now())


@dataclass(frozen=True)
class Text:
    """A state of the pair's texts in its history. `who` is empty for the system, `model` while it is not to be known."""

    key: str
    at: datetime
    what: str
    texts: dict[str, str]
    who: str = ""
    model: str = ""
    note: str = ""


def may_see_all(pair: Pair, user: User) -> bool:
    """Names, models and what others decided: after one's own decision, or for a lead who does not sit at the pair."""
    if Review.objects.filter(pair=pair, by=user, verdict__in=Review.DECISIONS).exists():
        return True
    return user.has_role("lead") and not Assignment.objects.open_for(user).filter(pair=pair).exists()


def versions(pair: Pair, user: User) -> list[Text]:
    """Every state of the texts that `user` may see, oldest first: the drafts, and what people made of them."""
    everything = may_see_all(pair, user)
    found = [*_drafted(pair, everything), *_decided(pair, user, everything)]
    return sorted(found, key=lambda text: text.at)


def _drafted(pair: Pair, everything: bool) -> Iterator[Text]:
    first = pair.reviews.order_by("id").values_list("before", flat=True).first() or texts_of(pair)
    texts = {name: str(first.get(name, "")) for name in ("instruction", "input")}
    for draft in Draft.objects.filter(pair=pair).select_related("call").defer("call__raw"):
        what = _("original answer") if draft.is_human else _("draft %(n)s") % {"n": draft.number}
        note: Any = draft.call.material.get("note", "") if draft.call else ""
        model = draft.model if everything else ""
        yield Text(f"d{draft.pk}", draft.created_at, what, texts | {"output": draft.output}, model=model, note=str(note))


def _decided(pair: Pair, user: User, everything: bool) -> Iterator[Text]:
    made = pair.reviews.select_related("by").order_by("id")
    for review in made if everything else made.filter(by=user):
        note = "、".join([*(str(reason) for reason in review.reasons), review.comment]).strip("、")
        yield Text(f"r{review.pk}", review.at, str(review.get_verdict_display()), review.texts(), who=str(review.by), note=note)
