"""A source and its policy: added and changed by admins, each change with an entry in the audit log."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import AuditEntry

from .lists import make
from .models import Source
from .screens import BadScreen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from accounts.models import User

FIELDS = ("title", "body", "answer")  # what a template may name: Post.fields()
MOST_MAPPINGS = 20
RESERVED = frozenset(
    {"new", "import", "imports", "posts", "fetches", "dry-runs", "rescues", "previews", "lists"}
)  # they are pages of their own
MOST_WORDS, MOST_IN_A_WORD = 20, 50
MOST_MINUTES, MOST_RULES = 240, 10_000
LARGEST_SEED = 2**31 - 1
CHANGEABLE = (
    "name", "platform", "licence", "terms_url", "instruction_templates", "input_template", "reply", "screens", "guidelines",
    "reviews_wanted", "reviewers", "floors", "task_type", "domain", "system_prompt", "lease_minutes",
    "review_share", "names_shown", "peers_send_back", "queue_order", "queue_seed",
)  # fmt: skip


class BadPolicy(ValueError):
    """What cannot be a policy, in a sentence."""


def check_slug(slug: str) -> str:
    """Raises BadPolicy."""
    if slug in RESERVED:
        raise BadPolicy(_("“%(slug)s” is an address of the product itself. Choose another one.") % {"slug": slug})
    return slug


def check_templates(templates: Iterable[str]) -> list[str]:
    """The templates without the empty ones. Raises BadPolicy unless each names only title, body and answer."""
    found = [template for template in templates if template.strip()]
    for template in found:
        check_template(template)
    return found


def check_template(template: str) -> str:
    """Raises BadPolicy. Only plain names: `{title.__class__}` or `{title:>99999999}` would be programs."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        raise BadPolicy(
            _("“%(template)s” has a brace without its partner. Write {{ and }} for real braces.") % {"template": template}
        ) from None
    for _text, name, spec, conversion in parts:
        if name is not None and (name not in FIELDS or spec or conversion):
            asked = "{" + name + "}"
            raise BadPolicy(_("%(name)s is no field of a post: use {title}, {body} and {answer}.") % {"name": asked})
    return template


def check_words(words: Iterable[str]) -> list[str]:
    """The words without empty ones and repetitions. Raises BadPolicy when they are too many, or one is no word."""
    found = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if len(found) > MOST_WORDS or any(len(word) > MOST_IN_A_WORD for word in found):
        raise BadPolicy(_("At most %(n)s words of %(length)s characters.") % {"n": MOST_WORDS, "length": MOST_IN_A_WORD})
    return found


def check_task_type(task_type: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Raises BadPolicy unless it is {major: words, minor: words}."""
    if set(task_type) - {"major", "minor"}:
        raise BadPolicy(_("A kind of task is {major: […], minor: […]}."))
    return {level: check_words(task_type.get(level, [])) for level in ("major", "minor")}


def check_minutes(minutes: int) -> int:
    """Raises BadPolicy."""
    if not 1 <= minutes <= MOST_MINUTES:
        raise BadPolicy(_("1 to %(most)s minutes.") % {"most": MOST_MINUTES})
    return minutes


def check_screens(screens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Raises BadPolicy."""
    try:
        make(screens)
    except BadScreen as error:
        raise BadPolicy(_("This is no screen with settings that it knows: %(error)s") % {"error": error}) from error
    return screens


def add(*, by: User, **values: Any) -> Source:
    """A new source. Raises BadPolicy, or IntegrityError when the slug is taken."""
    _check(values)
    reviewers = values.pop("reviewers", [])
    with transaction.atomic():
        source = Source.objects.create(**values)
        source.reviewers.set(reviewers)
        values |= {"reviewers": _names(reviewers)} if reviewers else {}
        AuditEntry.objects.create(by=by, action="source_added", subject=f"source {source.slug}", detail=_readable(values))
    return source


def change(source: Source, *, by: User, **values: Any) -> dict[str, list[Any]]:
    """Write what differs, and say so in the log: {field: [before, after]}. Nothing different, no entry. Raises BadPolicy."""
    values = {name: value for name, value in values.items() if name in CHANGEABLE}
    _check(values)
    reviewers = values.pop("reviewers", None)
    with transaction.atomic():
        before = Source.objects.select_for_update().get(pk=source.pk)
        changed = {name: [getattr(before, name), value] for name, value in values.items() if getattr(before, name) != value}
        for name, (_old, value) in changed.items():
            setattr(source, name, value)
        if changed:
            source.save(update_fields=list(changed))
        if reviewers is not None and set(reviewers) != set(people := before.reviewers.all()):
            changed["reviewers"] = [_names(people), _names(reviewers)]
            source.reviewers.set(reviewers)
        if changed:
            AuditEntry.objects.create(by=by, action="source_changed", subject=f"source {source.slug}", detail=_readable(changed))
    return changed


def _names(people: Iterable[User]) -> list[str]:
    return sorted(person.username for person in people)


def save_mapping(source: Source, *, columns: Iterable[str], mapping: Mapping[str, str], by: User | None) -> None:
    """Remember how files with these very columns are read. It is proposed for the next one, in the place of an earlier one."""
    names = sorted(columns)
    with transaction.atomic():
        before = Source.objects.select_for_update().get(pk=source.pk)
        others = [each for each in before.mappings if each.get("columns") != names]
        source.mappings = [{"columns": names, "mapping": dict(mapping)}, *others][:MOST_MAPPINGS]
        source.save(update_fields=["mappings"])
        detail = {"columns": names, "mapping": dict(mapping)}
        AuditEntry.objects.create(by=by, action="mapping_saved", subject=f"source {source.slug}", detail=detail)


def forget_mapping(source: Source, *, by: User | None, number: int | None = None, columns: Iterable[str] | None = None) -> bool:
    """The saved mapping at this place of the list, or that of files with these very columns. False when there is none."""
    names = None if columns is None else sorted(columns)
    with transaction.atomic():
        before = Source.objects.select_for_update().get(pk=source.pk)
        there = enumerate(before.mappings)
        gone = next((each for at, each in there if at == number or (names is not None and each["columns"] == names)), None)
        if gone is None:
            return False
        source.mappings = [each for each in before.mappings if each is not gone]
        source.save(update_fields=["mappings"])
        AuditEntry.objects.create(by=by, action="mapping_forgotten", subject=f"source {source.slug}", detail=gone)
    return True


CHECKS: dict[str, Callable[[Any], Any]] = {
    "slug": check_slug,
    "instruction_templates": check_templates,
    "input_template": check_template,
    "screens": check_screens,
    "task_type": check_task_type,
    "domain": check_words,
    "lease_minutes": check_minutes,
}


def _check(values: dict[str, Any]) -> None:
    for name in values.keys() & CHECKS.keys():
        values[name] = CHECKS[name](values[name])


def _readable(values: dict[str, Any]) -> dict[str, Any]:
    """Choices as their codes: what JSON can hold."""
    return {
        name: [str(v) if isinstance(v, str) else v for v in value] if isinstance(value, list) else value for name, value in values.items()
    }
