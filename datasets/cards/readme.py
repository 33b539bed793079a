"""The dataset card: front matter for the Hugging Face Hub, then what the data is, in Chinese and in English. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from datasets.recipes import SPLITS

from .about import About
from .texts import EN, ZH, Words

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))


def readme(about: About) -> str:
    head = yaml.safe_dump(front_matter(about), allow_unicode=True, sort_keys=False, width=1000)
    return f"---\n{head}---\n\n{body(about)}"


def front_matter(about: About) -> dict[str, Any]:
    matter: dict[str, Any] = {"language": ["zh"], "license": about.hub_licence}
    if about.hub_licence == "other":
        matter |= {"license_name": "per-source", "license_link": "README.md"}
    is_drafted = "llm" in about.facts.get("answers", {})
    matter |= {
        "pretty_name": about.name,
        "tags": ["instruction-tuning", "human-verified", "chinese", *(["preference"] if about.ranked else [])],
        "annotations_creators": ["expert-generated"],
        "language_creators": ["found", *(["machine-generated"] if is_drafted else [])],
        "size_categories": [next((name for bound, name in SIZES if about.records < bound), "n>10M")],
        "source_datasets": ["original"],
        "task_categories": ["text-generation", "question-answering"],
    }
    if about.tables:
        matter |= {
            "configs": [_config(about, name) for name in about.configs],
            "dataset_info": [_info(about, name) for name in about.configs],
        }
    return matter


def _config(about: About, config: str) -> dict[str, Any]:
    files = [{"split": part.split, "path": part.name} for part in about.tables if part.config == config]
    return {"config_name": config, "data_files": files} | ({"default": True} if config == "default" else {})


def _info(about: About, config: str) -> dict[str, Any]:
    parts = [part for part in about.tables if part.config == config]
    size = sum(part.bytes for part in parts)
    splits = [{"name": part.split, "num_bytes": part.bytes, "num_examples": part.rows} for part in parts]
    features = [{"name": name, **_feature(value)} for name, value in parts[0].columns.items()]
    return {"config_name": config, "features": features, "splits": splits, "download_size": size, "dataset_size": size}


def _feature(value: Any) -> dict[str, Any]:
    """The type of a column as the library `datasets` writes it."""
    if isinstance(value, Mapping):
        return {"struct": [{"name": name, **_feature(part)} for name, part in value.items()]}
    if isinstance(value, list):
        return {"sequence": "string"}
    return {"dtype": "bool" if isinstance(value, bool) else "string"}


def body(about: About) -> str:
    """The card without its front matter."""
    return "\n".join(
        [f"# {_plain(about.name)} v{about.number}", "", "[English](#english)", "", *_part(about, ZH), "## English", "", *_part(about, EN)]
    )


def _part(about: About, words: Words) -> Iterable[str]:
    facts = about.facts
    yield words.what.format(n=about.records, people=facts.get("reviewers", 0))
    yield ""
    if about.state == "withdrawn":
        yield f"**{words.withdrawn}**\n"
    if about.recipe.get("include_demo"):
        yield f"**{words.demo}**\n"
    yield from _section(words.figures, _table(words.figure, _figures(about, words)))
    licences = [(about.source_name(line["source"]), line["licence"] or words.unknown, line["records"]) for line in about.lines]
    yield from _section(words.licences, _table(words.licence, licences), words.licence_note)
    yield from _section(words.funnel, _table(words.stage, _funnel(about)), words.funnel_note)
    models = [(used["model"], used["prompt"], used["sha256"][:12], used["records"]) for used in facts.get("models", ())]
    yield from _section(words.models, _table(words.model, models) if models else words.no_models)
    yield from _section(words.left_out, _table(words.reason, sorted(about.left_out.items())) if about.left_out else words.nothing)
    yield from _section(words.splits, words.split_note.format(seed=about.recipe.get("seed", 0)))
    yield from _section(words.limits, *(f"- {limit}" for limit in words.limit_list))
    guidelines = [
        f"#### {_plain(source['name'])}\n\n{source['guidelines'].strip()}" for source in about.sources if source["guidelines"].strip()
    ]
    if guidelines:
        yield from _section(words.guidelines, *guidelines)
    if about.changelog:
        yield from _section(words.changelog, about.changelog)
    yield from _section(words.checksum, f"`sha256 {about.sha256}`", words.checksum_note)


def _section(title: str, *texts: str) -> Iterable[str]:
    yield f"### {title}\n"
    for text in texts:
        yield f"{text}\n" if not text.startswith("- ") else text
    yield ""


def _figures(about: About, words: Words) -> list[tuple[Any, ...]]:
    facts = about.facts
    agreement = facts.get("agreement", {})
    answers, verdicts = facts.get("answers", {}), facts.get("verdicts", {})
    splits = " / ".join(f"{split} {about.splits[split]}" for split in SPLITS if split in about.splits)
    return [
        (words.records, about.records), (words.splits, splits),
        (words.answered, f"llm {answers.get('llm', 0)} / human {answers.get('human', 0)}"),
        (words.decided, f"accept {verdicts.get('accept', 0)} / edit {verdicts.get('edit', 0)}"),
        (words.lengths, f"{facts.get('instruction_length', {}).get('median', 0)} / {facts.get('output_length', {}).get('median', 0)}"),
        (words.several, f"{agreement.get('several', 0)}; {words.agreed} {agreement.get('agreed', 0)}"),
        (words.preferences, f"DPO {about.ranked}; KTO {about.preferences.get('good', 0)} + {about.preferences.get('bad', 0)}"),
        (words.period, " – ".join(facts[key] for key in ("decided_from", "decided_to") if facts.get(key))),
    ]  # fmt: skip


def _funnel(about: About) -> list[tuple[Any, ...]]:
    """Of each source the counts of its stages, in order, and what the version holds of it."""
    held = {line["source"]: 0 for line in about.lines}
    for line in about.lines:
        held[line["source"]] += line["records"]
    return [
        (source["name"], " → ".join(str(stage["count"]) for stage in source["funnel"]), held.get(source["slug"], 0))
        for source in about.sources
    ]


def _table(heads: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: Any) -> str:
    """In one line, and no mark-up of ours."""
    return " ".join(str(value).replace("|", "\\|").replace("<", "&lt;").split())
