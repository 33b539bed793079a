"""The panel of checks beside a text: a line per finding, and one per check that found nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .checks import CHECKS, ERROR, Finding
from .wording import FINDINGS

LABELS = {
    "personal_data": gettext_lazy("Personal information"), "model_phrasing": gettext_lazy("Canned phrases"),
    "script": gettext_lazy("Script"), "length": gettext_lazy("Length"), "brackets": gettext_lazy("Brackets and quotes"),
    "injection": gettext_lazy("Orders to a model"),
}  # fmt: skip
ORDER = ("no", "warn", "ok")
EXCERPT, EXCERPTS = 60, 3
LOCATABLE = 4  # characters: an excerpt of less would be found in the wrong place


@dataclass(frozen=True)
class Line:
    """A line of the panel of checks. `level` is ok, warn or no."""

    level: str
    label: str
    value: str = ""
    excerpts: tuple[str, ...] = ()

    @property
    def locatable(self) -> str:
        return next((excerpt for excerpt in self.excerpts if len(excerpt) >= LOCATABLE), "")


def lines(findings: Iterable[Finding], texts: dict[str, str], before: set[str]) -> list[Line]:
    """Failing ones first. `before`: the checks that found something in the texts as they were."""
    found = [_line(finding, texts[finding.field]) for finding in findings]
    names = {finding.check for finding in findings}
    quiet = [Line("ok", str(LABELS.get(name, name)), _value(name, texts, name in before)) for name in CHECKS if name not in names]
    return sorted(found + quiet, key=lambda line: ORDER.index(line.level))


def _line(finding: Finding, text: str) -> Line:
    excerpts = tuple(text[start:end][:EXCERPT] for start, end in finding.spans[:EXCERPTS])
    label = str(LABELS.get(finding.check, finding.check))
    return Line("no" if finding.level == ERROR else "warn", label, str(FINDINGS.get(finding.code, finding.code)), excerpts)


def _value(name: str, texts: dict[str, str], had_findings: bool) -> str:
    if had_findings:
        return _("mended")
    return str(len(texts["output"])) if name == "length" else _("fine") if name in ("script", "brackets") else _("none")
