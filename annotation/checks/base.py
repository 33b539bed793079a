"""What a check takes and gives."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple

ERROR, WARNING = "error", "warning"
FIELDS = ("instruction", "input", "output")


class Texts(NamedTuple):
    instruction: str
    input: str
    output: str

    def fields(self) -> Iterator[tuple[str, str]]:
        return zip(FIELDS, self, strict=True)


@dataclass(frozen=True)
class Finding:
    """Something found in one field. `spans` are (start, end) in code points; none: the field as a whole."""

    check: str
    level: str
    code: str  # names the sentence in annotation.wording
    field: str
    spans: tuple[tuple[int, int], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"spans": [list(span) for span in self.spans]}


class Check:
    """One kind of finding. Subclasses are pure, and quick on 200,000 characters."""

    name: ClassVar[str]
    level: ClassVar[str] = WARNING

    def find(self, texts: Texts) -> Iterator[Finding]:
        raise NotImplementedError

    def found(self, code: str, field: str, spans: list[tuple[int, int]] | None = None) -> Finding:
        return Finding(self.name, self.level, code, field, tuple(spans or ()))
