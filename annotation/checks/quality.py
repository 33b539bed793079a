"""How good the checks are, on texts that people have labelled. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import CHECKS
from .base import Around, Near, Texts

LEAST_PRECISION, LEAST_RECALL = 0.9, 0.8


@dataclass(frozen=True)
class Case:
    """A text, and whether the check should find something in it."""

    texts: Texts
    is_bad: bool


@dataclass(frozen=True)
class Quality:
    """What a check made of its cases."""

    check: str
    bad: int
    good: int
    missed: tuple[Case, ...]  # bad, and nothing found
    wrong: tuple[Case, ...]  # good, and something found

    @property
    def precision(self) -> float:
        hits = self.bad - len(self.missed)
        return hits / (hits + len(self.wrong)) if hits + len(self.wrong) else 0.0

    @property
    def recall(self) -> float:
        return (self.bad - len(self.missed)) / self.bad if self.bad else 0.0

    @property
    def suffices(self) -> bool:
        return self.precision >= LEAST_PRECISION and self.recall >= LEAST_RECALL


def cases(folder: Path, check: str) -> list[Case]:
    """Those of `folder`/CHECK.jsonl, a line each: `bad` or `good` with the reply; `q`, `i`, `bounds`, `others`, `near` around it."""
    lines = (folder / f"{check}.jsonl").read_text("utf-8").splitlines()
    return [_case(json.loads(line)) for line in lines if line.strip()]


def _case(row: dict[str, Any]) -> Case:
    bounds = {field: (low, high) for field, (low, high) in row.get("bounds", {}).items()}
    near = tuple(Near(number, text) for number, text in enumerate(row.get("near", []), 1))
    around = Around(bounds, tuple(row.get("others", [])), near)
    return Case(Texts(row.get("q", "影子淋了雨会不会变重"), row.get("i", ""), row["bad" if "bad" in row else "good"], around), "bad" in row)


def judged(check: str, found: list[Case]) -> Quality:
    verdicts = [(case, any(True for _finding in CHECKS[check].find(case.texts))) for case in found]
    missed = tuple(case for case, hit in verdicts if case.is_bad and not hit)
    wrong = tuple(case for case, hit in verdicts if hit and not case.is_bad)
    bad = sum(case.is_bad for case in found)
    return Quality(check, bad, len(found) - bad, missed, wrong)


def of_all(folders: list[Path]) -> Iterator[Quality]:
    """Each check, over the texts of all `folders`."""
    for name in CHECKS:
        yield judged(name, [case for folder in folders for case in cases(folder, name)])
