"""Rules of the house that no other tool holds: what templates and tracked files never contain, and documents that keep up."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command, get_commands

from cqia.management.commands import run

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".venv", "var", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis"}
FILES = [path for path in sorted(ROOT.rglob("*")) if path.is_file() and not NOT_OURS & set(path.relative_to(ROOT).parts)]
TEXTS = [path for path in FILES if path.suffix not in (".mo", ".png", ".xlsx", ".gz", ".zst", ".zip", ".parquet")]
TEMPLATES = [path for path in FILES if path.suffix in (".html", ".svg") and "templates" in path.parts]
APPS = ("accounts", "sources", "annotation", "datasets", "cqia")

NEVER_IN_TEMPLATES = {
    "unescaped text": re.compile(r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq\b"),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE),
    "an inline style": re.compile(r"<style\b|<[^>]*\sstyle\s*=", re.IGNORECASE),
    "an inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=|\bhx-on\b|javascript:", re.IGNORECASE),
    "something from elsewhere": re.compile(r"""(?:\bsrc|<link[^>]*href)\s*=\s*["'](?:https?:)?//""", re.IGNORECASE),
}
NEVER_IN_FILES = {
    "a key of a provider": re.compile(r"\bsk-(?!proj-AbC|abcdef)[A-Za-z0-9_\-]{20,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a path of a machine": re.compile(r"(?<![\w.<$}])/(?:work|root|farm|Users|home/\w+)/[A-Za-z.]"),
    "a token": re.compile(r"\bzm_[A-Za-z0-9_\-]{40,}"),
}
PASSWORD = re.compile(r"""(?:password|passwd|secret_key|api_key)["']?\s*[:=]\s*["'][^"'{}$<>%\s][^"']{5,}["']""", re.IGNORECASE)


def found(pattern: re.Pattern, paths: list[Path]) -> list[str]:
    hits = []
    for path in filter(Path.is_file, paths):
        for match in pattern.finditer(path.read_text("utf-8", errors="replace")):
            hits.append(f"{path.relative_to(ROOT)}: {match[0][:80]}")
    return hits


def test_there_is_something_to_look_at():
    assert len(TEMPLATES) > 20
    assert ROOT / "README.md" in TEXTS


@pytest.mark.parametrize("what", NEVER_IN_TEMPLATES)
def test_no_template_holds(what):
    assert found(NEVER_IN_TEMPLATES[what], TEMPLATES) == []


@pytest.mark.parametrize("what", NEVER_IN_FILES)
def test_no_file_holds(what):
    assert found(NEVER_IN_FILES[what], [path for path in TEXTS if path != Path(__file__)]) == []


def test_no_password_is_written_down_outside_the_tests():
    assert found(PASSWORD, [path for path in TEXTS if "tests" not in path.parts]) == []


def test_where_markdown_of_strangers_is_shown_htmx_is_off():
    shown = [
        (path.name, tag, text)
        for path in TEMPLATES
        for tag, text in re.findall(r"(<[^>]*>)\{\{ ([^}]*\|prose\b[^}]*)", path.read_text("utf-8"))
    ]
    assert len(shown) >= 4
    assert [one for one in shown if not re.search(r"\shx-disable[\s>]", one[1])] == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("unescaped text", "{{ post.title|safe }}"),
        ("an inline script", "<script>alert(1)</script>"),
        ("an inline style", '<p class="a" style="width: 3%">'),
        ("an inline handler", '<img src="x" onerror="alert(1)">'),
        ("something from elsewhere", '<script src="https://cdn.example/x.js"></script>'),
    ],
)
def test_the_rules_of_templates_would_see_it(what, text):
    assert NEVER_IN_TEMPLATES[what].search(text)


def test_the_rules_of_files_would_see_it():
    assert NEVER_IN_FILES["a key of a provider"].search("key = 'sk-" + "A1b2" * 8 + "'")
    assert NEVER_IN_FILES["a path of a machine"].search("open('/ro" + "ot/x')")
    assert PASSWORD.search('password="' + "hunter22" + '"')


def test_every_static_file_that_a_template_names_is_there():
    names = {name for path in TEMPLATES for name in re.findall(r"""\{% static ["']([^"']+)["']""", path.read_text("utf-8"))}
    assert "app.css" in names
    assert [name for name in sorted(names) if not finders.find(name)] == []


@pytest.mark.django_db
def test_migrations_are_in_step_with_the_models():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# --- documents ---------------------------------------------------------------------------------------------------------
README, README_ZH = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))


def code_blocks(text: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_the_two_readmes_say_the_same():
    for pattern in (r"^(#+) ", r"^(\d+)\. ", r"\]\(((?!README)[^)]+)\)"):
        assert re.findall(pattern, README, re.MULTILINE) == re.findall(pattern, README_ZH, re.MULTILINE)
    assert code_blocks(README) == code_blocks(README_ZH)
    assert first_cells(README) == first_cells(README_ZH)
    defaults = [re.findall(r"\| (`[^`|]+`) \|$", text, re.MULTILINE) for text in (README, README_ZH)]
    assert defaults[0] == defaults[1]


def test_the_readme_names_every_command_of_ours():
    ours = {name for name, app in get_commands().items() if app in APPS}
    named = {cell.split()[0] for cell in first_cells(README) if cell.split()[0].islower()}
    assert named == ours


def test_the_readme_names_every_environment_variable():
    reads = re.compile(r"""(?:environ\.get|environ\.setdefault|env\.\w+)\(\s*["']([A-Z][A-Z_]+)["']|environ\[["']([A-Z][A-Z_]+)["']\]""")
    sources = [path for path in FILES if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in (*APPS, "manage.py")]
    used = {a or b for path in sources for a, b in reads.findall(path.read_text("utf-8"))}
    of_others = {"PATH", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER"}
    told_by_us = {"CQIA_PROCESS", "CQIA_BIND"}  # what the supervisor tells its children
    named = {cell for cell in first_cells(README) if cell.isupper()}
    assert used - of_others - told_by_us == named


def test_every_link_of_the_documents_leads_somewhere():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(path, link) for path in documents for link in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")) if "://" not in link]
    assert len(links) > 10
    assert [f"{path.name}: {link}" for path, link in links if not (path.parent / link).exists()] == []


def test_the_makefile_has_few_verbs_and_its_help_names_them_all():
    text = (ROOT / "Makefile").read_text("utf-8")
    verbs = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split()
    assert len(verbs) <= 11
    assert set(re.findall(r"@echo 'make ([a-z-]+) ", text)) == set(verbs) - {"help"}
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)) <= set(verbs)


def test_what_make_run_starts_is_the_supervisor():
    assert "manage.py run" in (ROOT / "Makefile").read_text("utf-8")
    assert run.Command.help
