"""What a check takes and gives."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

ERROR, WARNING = "error", "warning"
FIELDS = ("instruction", "input", "output")
HAN = "\u3400-\u9fff\uf900-\ufaff"
# What no check of the wording reads: code, formulas, addresses. Lines stay lines, and characters stay where they are.
CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]{1,200}\$|https?://[^\s，。；）】”」]+", re.DOTALL)
MASK = "\ufffc"
MAX_SPANS = 20


class Near(NamedTuple):
    """An accepted pair that may be the same as this one."""

    number: int
    text: str  # its instruction and input


@dataclass(frozen=True)
class Around:
    """What a check may know besides the texts: the source's bounds of their lengths, the other drafts, accepted pairs that are near."""

    bounds: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()


NOTHING = Around()


@dataclass(frozen=True)
class Texts:
    instruction: str
    input: str
    output: str
    around: Around = NOTHING

    def fields(self) -> Iterator[tuple[str, str]]:
        return ((name, getattr(self, name)) for name in FIELDS)

    @cached_property
    def prose(self) -> str:
        """The reply without its code, to the character."""
        return masked(self.output)

    @cached_property
    def asked(self) -> str:
        return f"{self.instruction}\n{self.input}" if self.input else self.instruction


@dataclass(frozen=True)
class Finding:
    """Something found in one field. `spans` are (start, end) in code points; none: the field as a whole."""

    check: str
    level: str
    code: str  # names the sentence in annotation.wording
    field: str
    spans: tuple[tuple[int, int], ...] = ()
    pair: int | None = None  # the number of the pair that this one is like

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"spans": [list(span) for span in self.spans]}


class Check:
    """One kind of finding. Subclasses are pure, and quick on 200,000 characters.

    `experimental`: not yet good enough on the texts of tests/annotation/check_cases (`manage.py check_quality`): it is shown, and
    nobody is asked twice. `tidies`: `tidying` mends what it finds.
    """

    name: ClassVar[str]
    level: ClassVar[str] = WARNING
    experimental: ClassVar[bool] = False
    tidies: ClassVar[bool] = False

    def find(self, texts: Texts) -> Iterator[Finding]:
        raise NotImplementedError

    def found(self, code: str, field: str, spans: list[tuple[int, int]] | None = None, pair: int | None = None) -> Finding:
        return Finding(self.name, self.level, code, field, tuple(spans or ())[:MAX_SPANS], pair)


def masked(text: str) -> str:
    return CODE.sub(lambda match: re.sub(r"[^\n]", MASK, match.group()), text) if re.search(r"[`~$]|://", text) else text


def is_quoted(text: str, at: int) -> bool:
    """Whether a quotation that was opened in this paragraph is still open at `at`."""
    head = text[text.rfind("\n", 0, at) + 1 : at]
    return head.count("“") > head.count("”") or head.count("「") > head.count("」")
