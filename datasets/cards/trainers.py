"""What LLaMA-Factory wants beside the data: `dataset_info.json`, and a configuration to start from. Pure."""

from typing import Any

from .about import About

COLUMNS: dict[str, dict[str, str]] = {
    "cqia": {"prompt": "instruction", "query": "input", "response": "output"},
    "dpo": {"prompt": "instruction", "query": "input", "chosen": "chosen", "rejected": "rejected"},
    "kto": {"prompt": "instruction", "query": "input", "response": "output", "kto_tag": "kto_tag"},
}
STAGES = {"cqia": "sft", "dpo": "dpo", "kto": "kto"}
RATES = {"sft": 1.0e-4, "dpo": 5.0e-6, "kto": 5.0e-6}
EPOCHS, BATCH, WARMUP = 3.0, 8, 0.1


def name_of(about: About, config: str, split: str) -> str:
    """What a trainer calls the file: `first_sft`, `first_dpo_validation`."""
    name = f"{about.slug.replace('-', '_')}_{STAGES[config]}"
    return name if split == "train" else f"{name}_{split}"


def dataset_info(about: About) -> dict[str, Any]:
    """The entries of LLaMA-Factory's `dataset_info.json`. Column names: hiyouga/LLaMA-Factory, data/README.md."""
    entries = {}
    for part in about.json_lines:
        entry: dict[str, Any] = {"file_name": part.name, "formatting": "alpaca"}
        if part.config == "dpo":
            entry["ranking"] = True
        entries[name_of(about, part.config, part.split)] = entry | {"columns": COLUMNS[part.config]}
    return entries


def training(about: About) -> dict[str, dict[str, Any]]:
    """For each kind of data there is: a configuration for `llamafactory-cli train`, run from the folder of the bundle."""
    return {STAGES[config]: _config(about, config) for config in COLUMNS if "train" in _splits(about, config)}


def _splits(about: About, config: str) -> set[str]:
    return {part.split for part in about.json_lines if part.config == config}


def _warmup(about: About, config: str) -> int:
    """A tenth of the steps, counted here: a share of them is spelt differently from one release of transformers to the next."""
    rows = sum(part.rows for part in about.json_lines if (part.config, part.split) == (config, "train"))
    return max(1, round(WARMUP * EPOCHS * rows / BATCH))


def _config(about: About, config: str) -> dict[str, Any]:
    stage = STAGES[config]
    settings: dict[str, Any] = {
        "model_name_or_path": "Qwen/Qwen2.5-7B-Instruct", "template": "qwen", "stage": stage, "do_train": True,
        "finetuning_type": "lora", "lora_rank": 8, "lora_target": "all",
        "dataset_dir": ".", "dataset": name_of(about, config, "train"), "cutoff_len": 2048, "overwrite_cache": True,
        "output_dir": f"saves/{about.slug}-v{about.number}-{stage}", "logging_steps": 10, "save_steps": 500, "plot_loss": True,
        "per_device_train_batch_size": 1, "gradient_accumulation_steps": BATCH, "learning_rate": RATES[stage], "num_train_epochs": EPOCHS,
        "lr_scheduler_type": "cosine", "warmup_steps": _warmup(about, config), "bf16": True,
    }  # fmt: skip
    if stage != "sft":
        settings["pref_beta"] = 0.1
    if stage == "dpo":
        settings["pref_loss"] = "sigmoid"
    if "validation" in _splits(about, config):
        settings |= {
            "eval_dataset": name_of(about, config, "validation"),
            "per_device_eval_batch_size": 1,
            "eval_strategy": "steps",
            "eval_steps": 500,
        }
    return settings
