"""Automatic checks of a pair before it is kept. An error blocks; a warning can be overruled, and that is counted.

To add one: a class in a module here, a line in CHECKS, its words in `annotation.wording`, texts to judge it by in
tests/annotation/check_cases, and `manage.py check_quality --markdown > docs/checks.md`.
"""

from functools import lru_cache

from .base import ERROR, NOTHING, WARNING, Around, Check, Finding, Near, Texts
from .glue import Glued
from .injection import Injection
from .language import Script, ScriptMix
from .likeness import Candidates, Echo, NearDuplicate
from .markup import Markup
from .phrases import Boilerplate, ModelPhrasing, Refusal
from .privacy import PersonalData
from .residue import Advert, Leftovers
from .shape import Brackets, Length
from .spacing import HalfWidth, HanSpaces

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        PersonalData(),
        Refusal(),
        ModelPhrasing(),
        Boilerplate(),
        Glued(),
        Echo(),
        NearDuplicate(),
        Candidates(),
        Script(),
        ScriptMix(),
        Length(),
        HanSpaces(),
        HalfWidth(),
        Brackets(),
        Markup(),
        Advert(),
        Leftovers(),
        Injection(),
    )
}

__all__ = ["CHECKS", "ERROR", "NOTHING", "WARNING", "Around", "Check", "Finding", "Near", "Texts", "check_texts"]


ORDER = {name: at for at, name in enumerate(CHECKS)}
KEPT, LONGEST = 512, 4_000  # results that are kept, and characters of texts that have theirs kept


def check_texts(instruction: str, input: str, output: str, around: Around = NOTHING) -> list[Finding]:  # noqa: A002 (the record's own key)
    """What all checks find, errors first. (An item is looked through when it is shown, and again when it is accepted as it was: what is
    accepted near it changes all the time, and so that is looked at apart.)"""
    apart = CHECKS[NearDuplicate.name].find(Texts(instruction, input, output, around)) if around.near else ()
    bounds = tuple(sorted(around.bounds.items()))
    is_long = len(instruction) + len(input) + len(output) + sum(map(len, around.others)) > LONGEST
    look = _found_lately.__wrapped__ if is_long else _found_lately
    return sorted((*look(instruction, input, output, bounds, around.others), *apart), key=_place)


@lru_cache(KEPT)
def _found_lately(
    instruction: str, given: str, output: str, bounds: tuple[tuple[str, tuple[int, int | None]], ...], others: tuple[str, ...]
) -> tuple[Finding, ...]:
    texts = Texts(instruction, given, output, Around(dict(bounds), others))
    return tuple(finding for check in CHECKS.values() for finding in check.find(texts))


def _place(finding: Finding) -> tuple[bool, int]:
    return finding.level != ERROR, ORDER[finding.check]
