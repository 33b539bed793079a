"""The panel of checks beside a text: a line per finding, and one per check that found nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .checks import CHECKS, ERROR, Finding
from .wording import FINDINGS, LABELS

ORDER = ("no", "warn", "ok")
EXCERPT, EXCERPTS = 60, 3
LOCATABLE = 4  # characters: an excerpt of less would be found in the wrong place, so some of what is around it comes along
STOPS = re.compile(r"[\n*`|#\[\]<>]")  # where the text that is read may differ from the one that is written


@dataclass(frozen=True)
class Spot:
    """A place in a text: where it is for a browser, which counts in UTF-16, and how to find it in the text as it is read: the
    `nth` (from 0) of the places that read like `excerpt`."""

    start: int
    end: int
    excerpt: str
    nth: int

    def as_list(self) -> list[int | str]:
        return [self.start, self.end, self.excerpt, self.nth]


@dataclass(frozen=True)
class Line:
    """A line of the panel of checks. `level` is ok, warn or no."""

    level: str
    label: str
    value: str = ""
    field: str = ""
    spots: tuple[Spot, ...] = ()
    pair: int | None = None
    mend: str = ""  # tidy or mask: what one key does about it
    is_experimental: bool = False

    @property
    def excerpts(self) -> list[Spot]:
        return [spot for spot in self.spots if spot.excerpt.strip()][:EXCERPTS]

    @property
    def as_json(self) -> str:
        return json.dumps([spot.as_list() for spot in self.spots], ensure_ascii=False)


def lines(findings: Iterable[Finding], texts: dict[str, str], before: set[str]) -> list[Line]:
    """Failing ones first. `before`: the checks that found something in the texts as they were."""
    findings = list(findings)
    found = [_line(finding, texts[finding.field]) for finding in findings]
    names = {finding.check for finding in findings}
    quiet = [Line("ok", str(LABELS.get(name, name)), _value(name, texts, name in before)) for name in CHECKS if name not in names]
    return sorted(found + quiet, key=lambda line: ORDER.index(line.level))


def asks_twice(findings: Iterable[Finding]) -> list[str]:
    """The checks whose warnings somebody has to overrule: what is experimental only says so."""
    return sorted({finding.check for finding in findings if finding.level != ERROR and not CHECKS[finding.check].experimental})


def _line(finding: Finding, text: str) -> Line:
    check = CHECKS[finding.check]
    mend = "mask" if finding.check == "personal_data" else "tidy" if check.tidies else ""
    return Line(
        "no" if finding.level == ERROR else "warn", str(LABELS.get(finding.check, finding.check)),
        str(FINDINGS.get(finding.code, finding.code)), finding.field, tuple(_spot(text, *span) for span in finding.spans), finding.pair,
        mend, check.experimental,
    )  # fmt: skip


def _spot(text: str, start: int, end: int) -> Spot:
    low, high = start, end
    while high - low < LOCATABLE + 2 and (low > 0 or high < len(text)):
        more = (low > 0 and not STOPS.match(text[low - 1]), high < len(text) and not STOPS.match(text[high]))
        if not any(more):
            break
        low, high = low - more[0], high + more[1]
    excerpt = STOPS.split(text[low : min(high, low + EXCERPT)].lstrip("\n"), maxsplit=1)[0]
    return Spot(_utf16(text[:start]), _utf16(text[:end]), excerpt, _before(text, excerpt, low) if excerpt else 0)


def _before(text: str, excerpt: str, start: int) -> int:
    """How many places that read like it begin before `start`. They may overlap, as the script of the page counts them."""
    count, at = 0, text.find(excerpt, 0, start + len(excerpt) - 1)
    while at >= 0:
        count, at = count + 1, text.find(excerpt, at + 1, start + len(excerpt) - 1)
    return count


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _value(name: str, texts: dict[str, str], had_findings: bool) -> str:
    if had_findings:
        return _("mended")
    return str(len(texts["output"])) if name == "length" else _("fine") if name in FINE else _("none")


FINE = {"script", "script_mix", "brackets", "markup", "han_spaces", "half_width", "candidates"}
