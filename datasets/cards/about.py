"""What is known about a version. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Licences that the Hub has a name for, by how people write them down.
HUB = {
    name: name for name in (
        "apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-3.0", "cc-by-sa-4.0", "cc-by-sa-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
        "cc-by-nc-sa-3.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0", "odc-by", "odbl", "pddl", "cdla-permissive-2.0", "openrail", "gpl-3.0",
    )
}  # fmt: skip
URLS = {
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0", "mit": "https://opensource.org/license/mit",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/", "odc-by": "https://opendatacommons.org/licenses/by/1-0/",
    "odbl": "https://opendatacommons.org/licenses/odbl/1-0/", "pddl": "https://opendatacommons.org/licenses/pddl/1-0/",
} | {
    f"cc-by{kind}-{number}": f"https://creativecommons.org/licenses/by{kind}/{number}/"
    for kind in ("", "-sa", "-nc", "-nc-sa", "-nd", "-nc-nd") for number in ("3.0", "4.0")
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A data file of the bundle. `columns` is a row that has the types of all."""

    config: str  # default | dpo | kto of the tables, cqia | dpo | kto of the JSON Lines
    split: str
    name: str  # its path in the bundle
    bytes: int
    sha256: str
    rows: int
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class About:
    slug: str
    name: str
    number: int
    state: str
    sha256: str
    records: int
    frozen_on: str  # a date
    splits: Mapping[str, int] = field(default_factory=dict)
    preferences: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    changelog: str = ""
    parts: Sequence[Part] = ()

    @property
    def lines(self) -> list[Mapping[str, Any]]:
        """The licence table: source, licence, records."""
        return list(self.facts.get("lines", ()))

    @property
    def sources(self) -> list[Mapping[str, Any]]:
        return list(self.facts.get("sources", ()))

    def source_name(self, slug: str) -> str:
        return next((str(source["name"]) for source in self.sources if source["slug"] == slug), slug)

    @property
    def licences(self) -> list[str]:
        """As they were written down; "" for unknown."""
        return list(dict.fromkeys(line["licence"] for line in self.lines))

    @property
    def hub_licence(self) -> str:
        """The Hub's name for the one licence of all records, or `other`."""
        names = {HUB.get(licence.lower().replace(" ", "-"), "other") for licence in self.licences}
        return names.pop() if len(names) == 1 else "other"

    @property
    def licence_url(self) -> str:
        return URLS.get(self.hub_licence, "")

    @property
    def ranked(self) -> int:
        return self.preferences.get("edit", 0) + self.preferences.get("ranked", 0)

    @property
    def tables(self) -> list[Part]:
        """Parquet: what the Hub reads. (It reads all configurations of a repository in one format.)"""
        return [part for part in self.parts if part.name.endswith(".parquet")]

    @property
    def json_lines(self) -> list[Part]:
        """What trainers read."""
        return [part for part in self.parts if part.name.endswith(".jsonl")]

    @property
    def configs(self) -> list[str]:
        return list(dict.fromkeys(part.config for part in self.tables))
