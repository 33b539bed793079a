"""The description of the API says of every operation what it is for and what it may answer, with examples that hold."""

import ast
import re
from pathlib import Path

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from cqia import api_docs
from cqia.api_operations import REFUSALS, SUMMARIES
from cqia.api_problems import PROBLEMS
from cqia.openapi import operations

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def resolved(schema, answer):
    return schema["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]] if "$ref" in answer else answer


def test_every_operation_has_a_sentence_a_tag_a_role_and_its_errors(schema):
    found = {operation["operationId"]: operation for _path, _method, operation in operations(schema)}
    assert set(found) == set(SUMMARIES)
    assert set(REFUSALS) <= set(found)
    for name, operation in found.items():
        assert operation["summary"], name
        assert len(operation["tags"]) == 1, name
        assert operation["x-role"] in ("viewer", "reviewer", "lead", "admin"), name
        assert {"401", "403", "429", "503"} <= set(operation["responses"]), name


def test_every_example_is_what_its_description_allows(schema):
    seen = 0
    for _path, _method, operation in operations(schema):
        bodies = [operation.get("requestBody", {}), *(resolved(schema, answer) for answer in operation["responses"].values())]
        for media, content in (each for body in bodies for each in body.get("content", {}).items()):
            if "json" not in media:
                continue
            validator = Draft202012Validator({**content["schema"], "components": schema["components"]})
            assert content["examples"], operation["operationId"]
            for example in content["examples"].values():
                errors = [f"{operation['operationId']}: {error.message}" for error in validator.iter_errors(example["value"])]
                assert errors == []
                seen += 1
    assert seen > 400


def test_every_code_that_the_product_says_is_in_the_list():
    """`Problem(…, "code", …)` and the refusals that doors turn into one, wherever they stand."""
    said = set()
    for app in ("accounts", "sources", "annotation", "datasets"):
        for path in (ROOT / app).rglob("*.py"):
            for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
                name = getattr(call.func, "id", getattr(call.func, "attr", ""))
                place = {"Problem": 1, "Refused": 0, "NotPossible": 0, "BadDecision": 0, "CannotUndo": 0, "LostSeat": 0, "Stale": 0}.get(
                    name
                )
                if place is not None and len(call.args) > place and isinstance(code := call.args[place], ast.Constant):
                    said.add(code.value)
    assert len(said) > 60
    of_pages = {"malformed", "bad_seq", "no_such_pair", "decided", "bad_note", "nobody", "nothing_to_return"}
    of_commands = {"not_released", "no_token", "hub"}
    of_files = {"damaged"}
    assert said - of_pages - of_commands - of_files <= set(PROBLEMS)


def test_the_page_of_the_api_is_in_step_with_the_code():
    """If not: `manage.py api_docs`."""
    assert api_docs.PATH.read_text("utf-8") == api_docs.text()


def test_the_codes_are_words_of_scripts():
    assert all(re.fullmatch(r"[a-z0-9_]+", code) and 400 <= status < 600 and text for code, (status, text) in PROBLEMS.items())
