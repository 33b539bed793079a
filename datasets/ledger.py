"""What a version is made of, read from its records: sources, licences, who answered, how long the texts are."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Length

from .models import Record, Version
from .records import NO_COPYRIGHT


@dataclass
class Line:
    """The records of one source under one licence (as it was when the version was frozen)."""

    slug: str
    name: str
    platform: str
    licence: str  # empty: unknown
    records: int = 0


@dataclass
class Ledger:
    lines: list[Line] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)  # human | llm -> records
    records: int = 0
    mean_instruction: int = 0  # characters
    mean_output: int = 0

    @property
    def unknown(self) -> int:
        """Records whose licence nobody has written down. The lines add up to all records."""
        return sum(line.records for line in self.lines if not line.licence)


def ledger(version: Version) -> Ledger:
    """One pass over the records of the version."""
    made, lines, asked, answered = Ledger(), dict[tuple[str, str], Line](), 0, 0
    for row in _grouped(version):
        slug, licence = row["pair__source__slug"], "" if row["copyright"] == NO_COPYRIGHT else row["copyright"]
        line = lines.setdefault((slug, licence), Line(slug, row["pair__source__name"], row["pair__source__platform"], licence))
        line.records += row["n"]
        made.records += row["n"]
        made.answers[row["answer_from"]] += row["n"]
        asked += row["asked"]
        answered += row["answered"]
    made.lines = sorted(lines.values(), key=lambda line: (-line.records, line.slug))
    if made.records:
        made.mean_instruction, made.mean_output = round(asked / made.records), round(answered / made.records)
    return made


def unknown_licence(version: Version) -> int:
    return version.records.filter(data__copyright=NO_COPYRIGHT).count()


def _grouped(version: Version) -> QuerySet[Record, dict[str, Any]]:
    texts = {name: KeyTextTransform(name, "data") for name in ("copyright", "answer_from")}
    by = ("pair__source__slug", "pair__source__name", "pair__source__platform", *texts)
    return (
        Record.objects.filter(version=version)
        .annotate(**texts)
        .order_by()
        .values(*by)
        .annotate(
            n=Count("pk"),
            asked=Sum(Length(KeyTextTransform("instruction", "data"))),
            answered=Sum(Length(KeyTextTransform("output", "data"))),
        )
    )
