"""From a raw row of a platform to a post, or to a named reason to leave it out. Pure; one platform a file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .baike import Baike
from .base import PERSONAL, Floor, Importer, PostData, Rejected
from .douban import Douban
from .exam import Exam
from .generic import NAMES, Generic
from .instructions import Alpaca, Belle, Conversations, Cqia
from .mnbvc import Mnbvc
from .segmentfault import SegmentFault
from .tieba import Tieba
from .xiaohongshu import Xiaohongshu
from .zhihu import Zhihu

__all__ = ["IMPORTERS", "PERSONAL", "Floor", "Importer", "PostData", "Rejected", "lacking", "recognise"]

IMPORTERS: dict[str, type[Importer]] = {
    "tieba": Tieba,
    "zhihu": Zhihu,
    "xiaohongshu": Xiaohongshu,
    "douban": Douban,
    "baike": Baike,
    "mnbvc": Mnbvc,
    "segmentfault": SegmentFault,
    "exam": Exam,
    "cqia": Cqia,
    "alpaca": Alpaca,
    "belle": Belle,
    "conversations": Conversations,
    "generic": Generic,
}
Rows = Sequence[Mapping[str, Any]]


def recognise(rows: Rows) -> str:
    """The importer whose columns most of `rows` have (of several, the one that asks for most), or `generic`, or nothing."""
    fitting = [(len(shape), name) for name, kind in IMPORTERS.items() for shape in kind().needed() if _fits(shape, rows, kind())]
    return max(fitting, key=lambda found: found[0])[1] if fitting else ""


def lacking(importer: Importer, rows: Rows) -> frozenset[str]:
    """The columns that `rows` lack for this importer, of the shape that they come nearest to. None lack: empty."""
    seen = frozenset(key for row in rows for key in row)
    shapes: Iterable[frozenset[str]] = importer.needed()
    if any(_fits(shape, rows) for shape in shapes):
        return frozenset()
    if isinstance(importer, Generic) and not importer.mapping:
        return frozenset({NAMES["title"][0]})
    nearest = max(shapes, key=lambda shape: len(shape & seen))
    return (nearest - seen) or nearest


def _fits(shape: frozenset[str], rows: Rows, importer: Importer | None = None) -> bool:
    fitting = sum(shape <= row.keys() and (importer is None or importer.knows(row)) for row in rows)
    return bool(rows) and 2 * fitting >= len(rows)
