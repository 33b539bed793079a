"""The bundle, loaded by the code of others: `datasets`, LLaMA-Factory, TRL, mlcroissant, pandas, pyarrow. They live in an environment of
their own (`make test-loaders` makes it), for together they are ten times what the product needs."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from datasets import bundling, exporting, publishing
from datasets.records import KEYS
from tests.datasets.conftest import accepted, folder, source  # noqa: F401 -- fixtures
from tests.datasets.test_preferences import DRAFT, EDITED, rejected
from tests.datasets.test_publishing import made

pytestmark = [pytest.mark.django_db, pytest.mark.loaders]
PYTHON = Path(os.environ.get("LOADERS_PYTHON", ".venv-loaders/bin/python"))
ODD = '第{n}盏灯说："关\\n不关"？\n\u2028=1+1\t\''


def load(name: str, bundle: Path) -> dict:
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is not there: `make test-loaders` makes it")
    script = Path(__file__).with_name("load.py")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "DATABASE", "PYTEST"))}
    done = subprocess.run([PYTHON, script, name, bundle], capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    print(next(line for line in done.stderr.split("\n") if line.startswith(f"{name} ")))  # noqa: T201 -- its version
    return json.loads(done.stdout.strip("\n").split("\n")[-1])  # texts may hold other line ends


@pytest.fixture
def version(source, reviewer):  # noqa: F811
    for n in range(40):
        accepted(source, reviewer, draft=ODD.format(n=n))
    for n in range(6):
        accepted(source, reviewer, draft=DRAFT, output=f"{EDITED}{n}")
        rejected(source, reviewer, ["missed_joke"])
    recipe = {"splits": {"train": 0.8, "test": 0.2}, "seed": 5}
    return made(publishing.create_dataset(slug="lamps", name="灯集", by=None, recipe=recipe))


@pytest.fixture
def bundle(version, tmp_path):
    bundling.write_folder(version, tmp_path / "bundle")
    return tmp_path / "bundle"


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def test_hugging_face_datasets_loads_every_configuration_without_a_network(bundle, version):
    found = load("datasets", bundle)
    assert set(found) == {"default", "dpo", "kto"}
    assert {split: part["rows"] for split, part in found["default"].items()} == version.splits
    assert found["default"]["train"]["columns"] == list(KEYS)
    assert found["default"]["train"]["first"] == lines(bundle / "cqia" / "train.jsonl")[0]
    assert found["dpo"]["train"]["columns"] == ["instruction", "input", "chosen", "rejected"]
    assert sum(part["rows"] for part in found["dpo"].values()) == 6
    kto = [row for path in (bundle / "kto").glob("*.jsonl") for row in lines(path)]
    assert sum(part["rows"] for part in found["kto"].values()) == len(kto) == 46


def test_llama_factory_reads_its_configurations_and_the_data_that_they_name(bundle, version):
    found = load("llamafactory", bundle)
    rows = {stage: lines(bundle / config / "train.jsonl") for stage, config in (("sft", "cqia"), ("dpo", "dpo"), ("kto", "kto"))}
    first = {stage: each[0] for stage, each in rows.items()}
    assert {stage: part["rows"] for stage, part in found.items()} == {stage: len(each) for stage, each in rows.items()}
    for stage, answers in (("sft", ["output"]), ("dpo", ["chosen", "rejected"])):
        assert found[stage]["first"]["_prompt"] == [{"role": "user", "content": first[stage]["instruction"]}]
        assert [turn["content"] for turn in found[stage]["first"]["_response"]] == [first[stage][key] for key in answers]
    good, bad = found["kto"]["first"]["_response"]  # KTO: the place that an answer stands in says whether it is good
    assert (good["content"], bad["content"]) == (first["kto"]["output"], "")


def test_trl_recognises_our_layouts(bundle, version):
    (bundle / "trl").mkdir()
    for schema in ("dpo-trl", "kto-trl", "messages"):
        rows = [row for file in exporting.export(version, schema, "jsonl") for row in lines(exporting.path_of(file))]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (bundle / "trl" / f"{schema}.jsonl").write_text(text, "utf-8")
    found = load("trl", bundle)
    assert found["conversational"] == [False, True]
    assert found["unpaired"] == {"rows": 12, "columns": ["completion", "label", "prompt"]}
    assert found["labelled"] == {"rows": 46, "columns": ["completion", "label", "prompt"]}
    assert [turn["role"] for turn in found["prompt"]] == ["user"]


def test_mlcroissant_validates_the_description_and_reads_the_records_through_it(bundle, version):
    found = load("mlcroissant", bundle)
    assert (found["errors"], found["warnings"]) == ([], [])
    for split in version.splits:
        records = found["records"][f"cqia_{split}"]
        first = lines(bundle / "cqia" / f"{split}.jsonl")[0]
        assert records["rows"] == version.splits[split]
        assert {key: records["first"][key] for key in ("instruction", "output", "copyright")} == {
            key: first[key] for key in ("instruction", "output", "copyright")
        }


def test_pandas_and_pyarrow_read_equal_records(bundle, version):
    assert load("pandas", bundle) == {"rows": version.splits["train"], "equal": True, "columns": list(KEYS)}
    found = load("pyarrow", bundle)
    assert found["rows"] == version.splits["train"]
    assert found["types"]["human_verified"] == "bool"
