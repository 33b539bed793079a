"""Everything about a version in one folder: data, card, ledger, checksums, what trainers want. As a zip to download, or as
the files of a repository.

    README.md  data/*.parquet  {dpo,kto}/*.parquet  {cqia,dpo,kto}/*.jsonl  dataset_info.json  llamafactory/*.yaml
    croissant.json  LEDGER.jsonl  LEDGER.parquet  SHA256SUMS
"""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import yaml

from .cards import About, Part, croissant, dataset_info, readme, training
from .files import Sink
from .ledger import EXAMPLE, ledger
from .models import Version
from .reading import Meanwhile, expected, nothing, pages
from .schemas import example
from .writers import WRITERS

Put = Callable[[str], AbstractContextManager[Sink]]
TABLE = "{folder}/{split}-00000-of-00001.parquet"
# (configuration, layout, name of its files): tables for the Hub, JSON Lines for trainers.
FILES = (
    ("default", "cqia", TABLE.replace("{folder}", "data")), ("dpo", "dpo", TABLE.replace("{folder}", "dpo")),
    ("kto", "kto", TABLE.replace("{folder}", "kto")), ("cqia", "cqia", "cqia/{split}.jsonl"), ("dpo", "dpo", "dpo/{split}.jsonl"),
    ("kto", "kto", "kto/{split}.jsonl"),
)  # fmt: skip
EPOCH = (1980, 1, 1, 0, 0, 0)  # the time that a zip holds says nothing, so that the same content gives the same bytes


def about(version: Version, parts: list[Part] | None = None) -> About:
    """What cards are made of."""
    return About(
        slug=version.dataset.slug, name=version.dataset.name, number=version.number, state=version.state, sha256=version.sha256,
        records=version.records_count or 0, frozen_on=(version.finished_at or version.created_at).date().isoformat(), splits=version.splits,
        preferences=version.preferences, left_out=version.left_out, recipe=version.recipe, facts=version.facts, changelog=version.changelog,
        parts=parts or [],
    )  # fmt: skip


def write_zip(version: Version, out: Sink, meanwhile: Meanwhile = nothing) -> None:
    """The bundle as one file. Parquet is packed already, so it is stored as it is."""
    with zipfile.ZipFile(out, "w") as packed:  # type: ignore[call-overload]

        @contextmanager
        def put(name: str) -> Iterator[Sink]:
            entry = zipfile.ZipInfo(f"{version.dataset.slug}-v{version.number}/{name}", EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".parquet") else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with packed.open(entry, "w", force_zip64=True) as member:
                yield Sink(member)  # type: ignore[arg-type]

        write(version, put, meanwhile)


def write_folder(version: Version, folder: Path) -> None:
    """The bundle as files below `folder`. Raises OSError."""

    @contextmanager
    def put(name: str) -> Iterator[Sink]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield Sink(file)

    write(version, put)


def write(version: Version, put: Put, meanwhile: Meanwhile = nothing) -> None:
    """Write the files of the bundle through `put`, and their checksums last."""
    sums: dict[str, str] = {}
    parts = [part for config, schema, name in FILES for part in _data(version, config, schema, name, put, sums, meanwhile)]
    _ledgers(version, put, sums)
    known = about(version, parts)
    texts = {"README.md": readme(known), "dataset_info.json": _json(dataset_info(known)), "croissant.json": _json(croissant(known))}
    texts |= {f"llamafactory/{stage}.yaml": yaml.safe_dump(config, sort_keys=False) for stage, config in training(known).items()}
    for name, text in texts.items():
        with put(name) as out:
            out.write(text.encode())
        sums[name] = out.digest.hexdigest()
    with put("SHA256SUMS") as out:
        out.write("".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items())).encode())


def _data(
    version: Version, config: str, schema: str, template: str, put: Put, sums: dict[str, str], meanwhile: Meanwhile
) -> Iterator[Part]:  # fmt: skip
    """The data files of one kind, one for each split that has rows of it."""
    columns: Mapping[str, Any] = example(schema)
    for split in version.split_names if expected(version, schema) else ():
        name, rows = template.format(split=split), 0

        def count(n: int) -> None:
            nonlocal rows
            rows += n
            meanwhile(n)

        if not any(page for page in pages(version, schema, split)):
            continue
        with put(name) as out:
            WRITERS[name.rsplit(".", 1)[1]].write(out, pages(version, schema, split, count), columns)
        sums[name] = out.digest.hexdigest()
        yield Part(config, split, name, out.bytes, sums[name], rows, columns)


def _ledgers(version: Version, put: Put, sums: dict[str, str]) -> None:
    for suffix in ("jsonl", "parquet"):
        name = f"LEDGER.{suffix}"
        with put(name) as out:
            WRITERS[suffix].write(out, ledger(version), EXAMPLE)
        sums[name] = out.digest.hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
