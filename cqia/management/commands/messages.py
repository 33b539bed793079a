"""`messages`: bring the translations in step with the code, without a gettext binary. `--check` only says what is missing.

Each app keeps its texts in `<app>/locale`; templates/<app>/ counts as the app's, the other templates as the frame's.
The source language is English: 简体中文 and 繁體中文 are the catalogues.
"""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation.template import templatize

APPS = ("cqia", "accounts", "sources", "annotation", "datasets")
LANGUAGES = {"zh_Hans": "nplurals=1; plural=0;", "zh_Hant": "nplurals=1; plural=0;"}
KEYWORDS = {"gettext": None, "gettext_lazy": None, "gettext_noop": None, "_": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
            "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)}  # fmt: skip
Text = tuple[str | None, str, str | None]  # context, singular, plural


class Command(BaseCommand):
    help = "Update the message catalogues (.po and .mo) from the code; --check fails when they are out of step."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")
        parser.add_argument("apps", nargs="*", help="only these apps")

    def handle(self, *args: Any, check: bool, apps: list[str], **options: Any) -> None:
        problems = []
        for app in apps or APPS:
            texts = dict.fromkeys(sorted(set(extract(app)), key=lambda text: (text[1], text[0] or "")))
            for language, plural in LANGUAGES.items():
                problems += update(settings.BASE_DIR / app / "locale" / language / "LC_MESSAGES", list(texts), plural, check=check)
        problems += [problem for language in LANGUAGES for problem in told_apart(language)]
        for problem in problems:
            self.stderr.write(problem)
        if check and problems:
            raise CommandError(f"{len(problems)} texts are out of step: run `manage.py messages`, translate the empty ones, run it again")


def extract(app: str) -> Iterator[Text]:
    """The texts of an app: of its Python files and of its templates."""
    for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
        if "migrations" not in path.parts:
            yield from texts_of(path.read_text("utf-8"))
    templates = settings.BASE_DIR / "templates"
    folders = [templates / app] if app != "cqia" else [templates]
    for folder in folders:
        for path in sorted(folder.rglob("*.html")):
            owner = path.relative_to(templates).parts[0]
            if app != "cqia" or owner not in APPS:
                yield from texts_of(flat(templatize(path.read_text("utf-8"), origin=str(path))))


def flat(templatized: str) -> str:
    """Without indentation, which means nothing in a template and something in Python."""
    return "\n".join(line.strip() for line in templatized.splitlines())


def texts_of(source: str) -> Iterator[Text]:
    from babel.messages.extract import extract_python

    calls: Iterable[Any] = extract_python(io.BytesIO(source.encode()), KEYWORDS, (), {"encoding": "utf-8"})
    for _line, function, message, _comments in calls:
        found = [part for part in (message if isinstance(message, tuple) else (message,)) if part is not None]
        if not found or not found[-1]:
            continue
        context = found.pop(0) if "p" in function.removesuffix("_lazy").removesuffix("gettext") and len(found) > 1 else None
        yield context, found[0], found[1] if len(found) > 1 and function.lstrip("p").startswith("n") else None


def told_apart(language: str) -> Iterator[str]:
    """One text, translated in two ways by two apps: everybody would read that of the first app, so one of them wants a context."""
    import polib

    known: dict[tuple[str | None, str], str] = {}
    for app in APPS:
        for entry in polib.pofile(str(settings.BASE_DIR / app / "locale" / language / "LC_MESSAGES" / "django.po")):
            said = entry.msgstr or entry.msgstr_plural.get(0, "")
            if known.setdefault((entry.msgctxt, entry.msgid), said) != said:
                yield f"{language}: {entry.msgid!r} is {known[entry.msgctxt, entry.msgid]!r}, and {said!r} in {app}"


def update(folder: Path, texts: list[Text], plural: str, *, check: bool) -> list[str]:
    """Make the catalogue in `folder` hold exactly `texts`. Gives what is missing, as sentences."""
    import polib

    path = folder / "django.po"
    old = {(e.msgctxt, e.msgid): e for e in polib.pofile(str(path))} if path.exists() else {}
    new = polib.POFile(wrapwidth=0)
    new.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "8bit", "Plural-Forms": plural}
    problems = []
    for context, singular, many in texts:
        entry = polib.POEntry(msgctxt=context, msgid=singular, **({"msgid_plural": many, "msgstr_plural": {0: ""}} if many else {}))
        if was := old.get((context, singular)):
            entry.msgstr = was.msgstr
            if many and was.msgstr_plural:
                entry.msgstr_plural = was.msgstr_plural
        if not (entry.msgstr or entry.msgstr_plural.get(0)):
            problems.append(f"{path}: no translation of {singular!r}")
        entry.flags = ["python-format"] if "%(" in singular else []
        new.append(entry)
    if check:
        mo = folder / "django.mo"
        if texts and (not path.exists() or str(new) != str(polib.pofile(str(path), wrapwidth=0))):
            problems.append(f"{path} is not what the code says")
        if texts and (not mo.exists() or mo.read_bytes() != new.to_binary()):
            problems.append(f"{mo} is not made from its .po")
    elif texts:
        folder.mkdir(parents=True, exist_ok=True)
        new.save(str(path))
        new.save_as_mofile(str(folder / "django.mo"))
    return problems
