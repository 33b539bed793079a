"""Loads the bundle whose folder is named with the code of others, in an environment of its own (requirements-loaders.txt).
Prints what they found as JSON. Run by test_loaders.py, once for each loader."""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "DISABLE_VERSION_CHECK": "1", "TRANSFORMERS_OFFLINE": "1"}

TRL = ("dpo-trl", "messages", "kto-trl")


def by_datasets(folder: Path) -> dict:
    """Every configuration that the card names, by one `load_dataset` of the folder each."""
    import datasets

    found = {}
    for config in datasets.get_dataset_config_names(str(folder)):
        loaded = datasets.load_dataset(str(folder), config, cache_dir=str(folder.parent / "cache"))
        found[config] = {split: {"rows": rows.num_rows, "columns": rows.column_names, "first": rows[0]} for split, rows in loaded.items()}
    return found


def by_trl(folder: Path) -> dict:
    """What TRL makes of our layouts: prompts told from completions, and recognised as the format that they are."""
    from trl.data_utils import extract_prompt, is_conversational, unpair_preference_dataset

    import datasets

    ranked, chats, labelled = (
        datasets.load_dataset("json", data_files=str(folder / "trl" / f"{name}.jsonl"), split="train") for name in TRL
    )
    unpaired = unpair_preference_dataset(ranked)
    said = chats[0]["messages"]
    both = {"chosen": said, "rejected": [*said[:-1], {"role": "assistant", "content": "x"}]}
    return {
        "conversational": [is_conversational(ranked[0]), is_conversational(chats[0])],
        "unpaired": {"rows": unpaired.num_rows, "columns": sorted(unpaired.column_names)},
        "labelled": {"rows": labelled.num_rows, "columns": sorted(labelled.column_names)},
        "prompt": extract_prompt(both)["prompt"],
    }


def by_llamafactory(folder: Path) -> dict:
    """The configurations of the bundle, read by its parser of arguments, and the data that they name, by its data loader."""
    import transformers  # noqa: F401 -- looks for torchaudio itself, and must not find the one below
    import yaml

    sys.modules["torchaudio"] = ModuleType("torchaudio")  # imported at its top, needed for sounds alone
    from llamafactory.data.loader import _get_merged_dataset
    from llamafactory.hparams.parser import _parse_train_args

    here = {
        "dataset_dir": str(folder),
        "output_dir": str(folder.parent / "saves"),
        "cache_dir": str(folder.parent / "cache"),
        "bf16": False,
    }
    found = {}
    for path in sorted((folder / "llamafactory").glob("*.yaml")):
        config = yaml.safe_load(path.read_text("utf-8"))
        model, data, training, finetuning, _ = _parse_train_args(config | here)
        stage = "rm" if finetuning.stage == "dpo" else finetuning.stage  # as its own workflow of DPO asks for pairs
        rows = _get_merged_dataset(data.dataset, model, data, training, stage)
        found[path.stem] = {"rows": rows.num_rows, "first": rows[0]}
    return found


def by_mlcroissant(folder: Path) -> dict:
    """The description is valid, and its records are those of the files."""
    import mlcroissant

    described = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    found = {}
    for records in described.metadata.record_sets:
        rows = list(described.records(records.id))
        first = {key.split("/", 1)[1]: value.decode() if isinstance(value, bytes) else str(value) for key, value in rows[0].items()}
        found[records.id] = {"rows": len(rows), "first": first}
    issues = described.metadata.ctx.issues
    return {"records": found, "errors": sorted(issues.errors), "warnings": sorted(issues.warnings)}


def by_pandas(folder: Path) -> dict:
    import pandas

    table = pandas.read_parquet(folder / "data" / "train-00000-of-00001.parquet")
    lines = pandas.read_json(folder / "cqia" / "train.jsonl", lines=True, dtype=False)
    return {"rows": len(table), "equal": bool((table["output"] == lines["output"]).all()), "columns": list(table.columns)}


def by_pyarrow(folder: Path) -> dict:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / "data" / "train-00000-of-00001.parquet")
    return {"rows": table.num_rows, "types": {field.name: str(field.type) for field in table.schema}}


LOADERS = {name.removeprefix("by_"): load for name, load in globals().items() if name.startswith("by_")}

if __name__ == "__main__":
    sys.stderr.write(f"{sys.argv[1]} {version(sys.argv[1])}\n")
    sys.stdout.write(json.dumps(LOADERS[sys.argv[1]](Path(sys.argv[2])), ensure_ascii=False, default=str))
