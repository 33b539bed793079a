"""What the checks have to know besides the texts of a pair: what its source asks for, its other drafts, accepted pairs that are near."""

from collections.abc import Iterable

from sources.models import Source

from .checks import Around, Near

# Which text of a pair a field of the post becomes, where no template adds to it.
FIELDS = {"title": "instruction", "body": "input", "answer": "output"}


def around(source: Source, others: Iterable[str] = (), near: Iterable[Near] = ()) -> Around:
    return Around(bounds_of(source), tuple(others), tuple(near))


def bounds_of(source: Source) -> dict[str, tuple[int, int | None]]:
    """What the source's screens ask of a post's lengths, asked of its pair: an edit may cross them."""
    found: dict[str, tuple[int, int | None]] = {}
    for screen in source.screens:
        field = screen.get("field", "title")
        if screen.get("screen") == "length" and field in FIELDS and _is_plain(source, field):
            found[FIELDS[field]] = (int(screen.get("min") or 0), None if screen.get("max") is None else int(screen["max"]))
    return found


def _is_plain(source: Source, field: str) -> bool:
    """Whether the field becomes the text as it is."""
    if field == "title":
        return source.instruction_templates in ([], ["{title}"])
    return source.input_template == "{body}" if field == "body" else source.reply == "source"
