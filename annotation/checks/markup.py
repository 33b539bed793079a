"""Markdown and LaTeX that were cut off, or broken on the way."""

import re
from collections.abc import Iterator

from .base import Check, Finding, Texts

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
TICKS = re.compile("`+")
BOLD = re.compile(r"(?<!\*)\*\*(?!\*)(?!(?<=\s\*\*)\s)")  # not the power of 2 ** 3
MATHS = re.compile(r"\\[a-zA-Z]+|[\^_=]|\$[a-zA-Z]\$")
COMMAND = re.compile(r"\\[a-zA-Z]+\{")
# \f, \t and \b of \frac, \text and \times that were read as control characters, or what was left when those were taken out.
SPOILT = re.compile(
    r"[\x08\x0b\x0c] ?[a-z]{0,8}|\t ?(?:ext|imes|heta|an|au|ilde|op|riangle)\b|\\[fbt] (?:rac|eta|ext|imes|heta)\b|(?<![\w\\])(?:rac|ext)\{"
)
LINK = re.compile(r"\[[^\[\]\n]{1,200}\]\([^()\n]{0,300}(?=\n|\Z)")
RULE = re.compile(r"^[ ]{0,3}\|?[ :]*-{3,}[-:| ]*$", re.MULTILINE)
ENVIRONMENT = re.compile(r"\\(begin|end)\{(\w{1,20}\*?)\}")


class Markup(Check):
    """A fence that never closes, an odd $ or **, a formula whose braces do not match, a table whose rule has other columns."""

    name = "markup"

    def find(self, texts: Texts) -> Iterator[Finding]:
        for field, text in texts.fields():
            for code, spans in _flaws(text):
                yield self.found(code, field, spans)


def _flaws(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    if not re.search(r"[`~$*\\|\[{\x08-\x0c]", text):
        return
    prose, fence = _without_fences(text)
    if fence:
        yield "open_fence", [fence]
    prose, ticks = _without_ticks(prose)
    if ticks:
        yield "open_code", ticks
    if spoilt := [match.span() for match in SPOILT.finditer(prose)]:
        yield "spoilt_formula", spoilt
    if odd := [*_odd_dollars(prose), *_open_formulas(prose)]:
        yield "open_formula", sorted(odd)
    if bold := list(_odd_bold(prose)):
        yield "open_bold", bold
    if links := [match.span() for match in LINK.finditer(prose)]:
        yield "open_link", links
    if tables := list(_uneven_tables(prose)):
        yield "uneven_table", tables


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def _without_fences(text: str) -> tuple[str, tuple[int, int] | None]:
    """The text with blanks for fenced code, and the fence that never closes."""
    opened: re.Match[str] | None = None
    inside: list[tuple[int, int]] = []
    for match in FENCE.finditer(text):
        if opened is None:
            if not (match[1][0] == "`" and "`" in match[2]):
                opened = match
        elif match[1].startswith(opened[1]) and not match[2].strip():
            inside.append((opened.start(), match.end()))
            opened = None
    if opened:
        inside.append((opened.start(), len(text)))
    parts, at = [], 0
    for start, end in inside:
        parts += [text[at:start], re.sub(r"[^\n]", " ", text[start:end])]
        at = end
    return "".join([*parts, text[at:]]), opened.span(1) if opened else None


def _without_ticks(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with blanks for code in a line, and the back-ticks without another half: those of a line."""
    if "`" not in text:
        return text, []
    lines, lonely, start = [], [], 0
    for line in text.split("\n"):
        runs = list(TICKS.finditer(line))
        while runs:
            first = runs.pop(0)
            partner = next((at for at, run in enumerate(runs) if run.group() == first.group()), None) if len(runs) < 100 else None
            if partner is None:
                lonely += [(start + first.start(), start + first.end())]
                break
            line = _blank(line, first.start(), runs[partner].end())
            del runs[: partner + 1]
        lines.append(line)
        start += len(line) + 1
    return "\n".join(lines), lonely


def _lines(text: str, sign: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        if sign in line:
            yield start, line
        start += len(line) + 1


def _odd_dollars(text: str) -> Iterator[tuple[int, int]]:
    if "$" not in text:
        return
    doubles = [match.start() for match in re.finditer(r"(?<!\\)\$\$", text)]
    if len(doubles) % 2:
        yield doubles[-1], doubles[-1] + 2
    for start, line in _lines(re.sub(r"\$\$", "  ", text), "$"):
        signs = [match.start() for match in re.finditer(r"(?<!\\)\$", line)]
        if len(signs) % 2 and MATHS.search(line):
            yield start + signs[0], start + signs[0] + 1


def _open_formulas(text: str) -> Iterator[tuple[int, int]]:
    if "\\" not in text:
        return
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]")):
        if text.count(opening) != text.count(closing):
            at = text.find(opening) if opening in text else text.find(closing)
            yield at, at + 2
    names: list[str] = [f"{verb} {name}" for verb, name in ENVIRONMENT.findall(text)]
    for match in ENVIRONMENT.finditer(text):
        if names.count(f"begin {match[2]}") != names.count(f"end {match[2]}"):
            yield match.span()
            break
    for at, paragraph in _lines(text.replace("\n\n", "\0\0").replace("\n", "\r").replace("\0\0", "\n\n"), "\\"):
        plain = re.sub(r"\\[{}]", "  ", paragraph)
        if (command := COMMAND.search(plain)) and plain.count("{") != plain.count("}"):
            yield at + command.start(), at + command.end()


def _odd_bold(text: str) -> Iterator[tuple[int, int]]:
    for start, line in _lines(text, "**"):
        signs = [match.span() for match in BOLD.finditer(line)]
        if len(signs) % 2:
            yield start + signs[-1][0], start + signs[-1][1]


def _uneven_tables(text: str) -> Iterator[tuple[int, int]]:
    for match in RULE.finditer(text) if "---" in text else ():
        head = text[text.rfind("\n", 0, max(0, match.start() - 1)) + 1 : max(0, match.start() - 1)]
        if "|" in head and "|" in match.group() and _cells(head) != _cells(match.group()):
            yield match.span()


def _cells(line: str) -> int:
    return len(re.sub(r"\\\|", "", line).strip().strip("|").split("|"))
