"""Automatic checks of a pair before it is kept. An error blocks; a warning can be overruled, and that is counted.

To add one: a class in a module here, a line in CHECKS, its words in `annotation.wording`, texts to judge it by in
tests/annotation/check_cases, and `manage.py check_quality --markdown > docs/checks.md`.
"""

from functools import lru_cache
from typing import Any

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


KEPT, LONGEST = 512, 4_000  # results that are kept, and characters of texts that have theirs kept


def check_texts(instruction: str, input: str, output: str, around: Around = NOTHING) -> list[Finding]:  # noqa: A002 (the record's own key)
    """What all checks find, errors first. (An item is looked through when it is shown, and again when it is accepted as it was.)"""
    if len(instruction) + len(input) + len(output) + sum(map(len, around.others)) > LONGEST:
        return _found(Texts(instruction, input, output, around))
    return list(_found_lately(instruction, input, output, tuple(sorted(around.bounds.items())), around.others, around.near))


@lru_cache(KEPT)
def _found_lately(
    instruction: str, given: str, output: str, bounds: tuple[Any, ...], others: tuple[str, ...], near: tuple[Near, ...]
) -> tuple[Finding, ...]:
    return tuple(_found(Texts(instruction, given, output, Around(dict(bounds), others, near))))


def _found(texts: Texts) -> list[Finding]:
    findings = [finding for check in CHECKS.values() for finding in check.find(texts)]
    return sorted(findings, key=lambda finding: finding.level != ERROR)
