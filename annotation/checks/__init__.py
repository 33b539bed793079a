"""Automatic checks of a pair before it is kept. An error blocks; a warning can be overruled, and that is counted.

To add one: a class in a module here, a line in CHECKS, its words in `annotation.wording`, a test.
"""

from .base import ERROR, WARNING, Check, Finding, Texts
from .injection import Injection
from .language import Script
from .phrases import ModelPhrasing
from .privacy import PersonalData
from .shape import Brackets, Length

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        PersonalData(),
        ModelPhrasing(),
        Script(),
        Length(),
        Brackets(),
        Injection(),
    )
}

__all__ = ["CHECKS", "ERROR", "WARNING", "Check", "Finding", "Texts", "check_texts"]


def check_texts(instruction: str, input: str, output: str) -> list[Finding]:  # noqa: A002 (the record's own key)
    """What all checks find, errors first."""
    texts = Texts(instruction, input, output)
    findings = [finding for check in CHECKS.values() for finding in check.find(texts)]
    return sorted(findings, key=lambda finding: finding.level != ERROR)
