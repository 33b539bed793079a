"""The bundle: one folder that says everything about a version, and whose parts agree."""

import hashlib
import io
import json
import re
import zipfile

import pyarrow.parquet as pq
import pytest
import yaml

from datasets import bundling, exporting, publishing
from datasets.records import KEYS

from .conftest import accepted
from .test_preferences import DRAFT, EDITED, rejected
from .test_publishing import made

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(source, reviewer):
    source.guidelines = "客观、简短。<script>alert(1)</script>"
    source.save()
    for n in range(30):
        accepted(source, reviewer, draft=f"第{n}盏灯一直亮着，没有人去关。")
    for _ in range(10):  # of these, too, some come into each split
        accepted(source, reviewer, draft=DRAFT, output=EDITED)
        rejected(source, reviewer, ["missed_joke"])
    splits = {"train": 0.8, "test": 0.2}
    return made(publishing.create_dataset(slug="lamps", name="灯|集", by=None, recipe={"splits": splits, "seed": 5}))


@pytest.fixture
def bundle(version):
    [file] = exporting.export(version, "bundle", "zip")
    with zipfile.ZipFile(exporting.path_of(file)) as packed:
        assert packed.testzip() is None
        return {name.removeprefix("lamps-v1/"): packed.read(name) for name in packed.namelist()}


def jsonl(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.decode().split("\n")[:-1]]


def test_it_holds_data_card_ledger_checksums_and_configurations(bundle, version):
    assert {"README.md", "croissant.json", "dataset_info.json", "LEDGER.jsonl", "LEDGER.parquet", "SHA256SUMS"} <= set(bundle)
    assert {"llamafactory/sft.yaml", "llamafactory/dpo.yaml", "llamafactory/kto.yaml", "cqia/train.jsonl", "cqia/test.jsonl"} <= set(bundle)
    sums = dict(reversed(line.split("  ")) for line in bundle["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in bundle.items() if name != "SHA256SUMS"}


def test_parquet_and_json_lines_hold_the_same_records(bundle, version):
    for split, n in version.splits.items():
        records = jsonl(bundle[f"cqia/{split}.jsonl"])
        assert len(records) == n
        assert all(list(record) == list(KEYS) for record in records)
        assert pq.read_table(io.BytesIO(bundle[f"data/{split}-00000-of-00001.parquet"])).to_pylist() == records


def test_the_ledger_tells_of_every_record_where_it_comes_from(bundle, version, reviewer):
    ledger = jsonl(bundle["LEDGER.jsonl"])
    assert [row["position"] for row in ledger] == list(range(version.records_count))
    assert [row["record_sha256"] for row in ledger] == list(version.records.order_by("position").values_list("sha256", flat=True))
    edited = ledger[-1]
    assert (edited["source"], edited["licence"], edited["model"], edited["prompt"], edited["verdict"]) == (
        "jokes", "CC-BY-4.0", "a-model", "reply_0001", "edit"
    )  # fmt: skip
    assert edited["edit_distance"] > 5
    assert ledger[0]["edit_distance"] == 0
    people = {name for row in ledger for name in row["reviewers"]}
    assert len(people) == 1
    assert re.fullmatch(r"reviewer-[0-9a-f]{12}", people.pop())
    assert edited["reviews"] == [version.records.get(position=edited["position"]).review_id]
    assert pq.read_table(io.BytesIO(bundle["LEDGER.parquet"])).to_pylist() == ledger


def test_the_card_speaks_chinese_and_english_and_its_front_matter_is_the_hub_s(bundle, version):
    card = bundle["README.md"].decode()
    matter = yaml.safe_load(card.split("---\n")[1])
    assert (matter["language"], matter["license"], matter["size_categories"]) == (["zh"], "cc-by-4.0", ["n<1K"])
    assert [config["config_name"] for config in matter["configs"]] == ["default", "dpo", "kto"]
    assert all(file["path"] in bundle for config in matter["configs"] for file in config["data_files"])
    splits = {split["name"]: split["num_examples"] for split in matter["dataset_info"][0]["splits"]}
    assert splits == version.splits
    for text in (
        "来源与许可",
        "Sources and licences",
        "已知局限",
        "Known limits",
        "审校准则",
        "客观、简短",
        version.sha256,
        "a-model",
        "reply_0001",
    ):
        assert text in card
    assert "| 段子 | CC-BY-4.0 | 40 |" in card


def test_what_trainers_read_names_files_and_columns_that_are_there(bundle):
    info = json.loads(bundle["dataset_info.json"])
    assert {"lamps_sft", "lamps_sft_test"} <= set(info)
    for name, entry in info.items():
        rows = jsonl(bundle[entry["file_name"]])
        assert rows, name
        assert set(entry["columns"].values()) <= set(rows[0])
        assert entry.get("ranking", False) == ("dpo" in name)
    for stage in ("sft", "dpo", "kto"):
        config = yaml.safe_load(bundle[f"llamafactory/{stage}.yaml"])
        assert (config["stage"], config["dataset"] in info) == (stage, True)


def test_croissant_names_every_data_file_with_its_checksum(bundle):
    described = json.loads(bundle["croissant.json"])
    files = {file["contentUrl"]: file["sha256"] for file in described["distribution"]}
    assert files == {
        name: hashlib.sha256(data).hexdigest() for name, data in bundle.items() if name.split("/")[0] in ("data", "cqia", "dpo", "kto")
    }
    assert {key for key in described if key.startswith("rai:")} >= {
        "rai:dataCollection",
        "rai:machineAnnotationTools",
        "rai:dataAnnotationAnalysis",
    }


def test_the_same_version_gives_the_same_bundle(version, tmp_path):
    [first] = exporting.export(version, "bundle", "zip")
    exporting.path_of(first).unlink()
    [again] = exporting.export(version, "bundle", "zip")
    assert again.sha256 == first.sha256
    bundling.write_folder(version, tmp_path / "repo")
    with zipfile.ZipFile(exporting.path_of(again)) as packed:
        for name in packed.namelist():
            assert (tmp_path / "repo" / name.removeprefix("lamps-v1/")).read_bytes() == packed.read(name)
