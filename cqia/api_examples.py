"""An example for every body of the API's description, made of its schema and of words that one meets in the product."""

from typing import Any

WORDS: dict[str, Any] = {
    "slug": "ruozhiba", "source": "ruozhiba", "dataset": "demo", "name": "弱智吧", "username": "lin", "by": 1, "licence": "CC BY 4.0",
    "title": "冬天要穿多少条秋裤，才能把春天穿出来？", "body": "", "answer": "季节不是穿出来的。", "hint": "把“穿到春天”当成了“穿出春天”。",
    "instruction": "冬天要穿多少条秋裤，才能把春天穿出来？", "input": "",
    "output": "穿多少条也穿不出春天：秋裤只能保暖，季节由地球公转决定。",
    "instruction_templates": ["{title}"], "model": "gpt-4o-mini", "models": ["gpt-4o-mini"], "provider": "openai", "currency": "CNY",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "file_name": "posts.jsonl", "url": "https://example.org/posts.jsonl",
    "op_id": "6f1c0c9e-4b1e-4a64-9a53-6a6f0f5b8c11", "token": "0c7d1f9e-2f0a-4c57-8a35-0f8f3c3f7a10", "reasons": ["factual_error"],
    "changelog": "第一版。", "comment": "", "importer": "tieba", "encoding": "", "mapping": {}, "screens": [{"screen": "length", "min": 5}],
    "recipe": {"verdicts": ["accept", "edit"]}, "task_type": {"major": ["问答"], "minor": ["逻辑问答"]}, "domain": ["生活"],
    "prompt": "reply_0001", "next": None, "previous": None, "schema": "cqia", "format": "jsonl", "key": "kept", "month": "2026-11-01",
    "secret": "zm_…", "link": "https://zhumo.example.org/accounts/link/…/", "email": "lin@example.org", "columns": ["标题", "点赞"],
    "budget": "10.000000", "page_size": 50, "choose": 7,
}  # fmt: skip
BY_FORMAT = {
    "date-time": "2026-11-27T09:30:00+08:00",
    "date": "2026-11-27",
    "uuid": WORDS["op_id"],
    "uri": "https://example.org/posts.jsonl",
    "decimal": "0.5",
    "double": 0.5,
}
DEEPEST = 6


def add_examples(result: dict[str, Any]) -> None:
    """Where a body has none yet. Bytes have none."""
    schemas = result["components"]["schemas"]
    for methods in result["paths"].values():
        for operation in methods.values():
            if not isinstance(operation, dict) or "operationId" not in operation:
                continue
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (each for body in bodies for each in body.get("content", {}).items()):
                media, said = content
                if "json" in media and "schema" in said and "examples" not in said:
                    said["examples"] = {"example": {"value": example(said["schema"], schemas)}}


def example(schema: dict[str, Any], schemas: dict[str, Any], name: str = "", deep: int = 0) -> Any:
    """A value that `schema` allows; of a property, the word that `name` usually holds, if it does."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, name, deep)
    if "enum" in schema:
        return schema["enum"][0]
    for combined in ("oneOf", "anyOf", "allOf"):
        if combined in schema:
            return example(schema[combined][0], schemas, name, deep)
    kind = schema.get("type", "object")
    kinds = kind if isinstance(kind, list) else [kind]
    if name in WORDS and _is_of(WORDS[name], kinds, schema):
        return WORDS[name]
    return _of_kind(kinds[0], schema, schemas, deep)


def _is_of(word: Any, kinds: list[str], schema: dict[str, Any]) -> bool:
    if schema.get("format") == "date" or schema.get("items", {}).get("enum") or "$ref" in schema.get("items", {}):
        return False
    types = {"string": str, "integer": int, "array": list, "object": dict, "null": type(None)}
    return any(kind in types and isinstance(word, types[kind]) for kind in kinds)


def _of_kind(kind: str, schema: dict[str, Any], schemas: dict[str, Any], deep: int) -> Any:
    if kind == "object":
        properties = schema.get("properties", {})
        return {} if deep > DEEPEST else {key: example(value, schemas, key, deep + 1) for key, value in properties.items()}
    if kind == "array":
        return [example(schema["items"], schemas, "", deep + 1)] if schema.get("items") and deep < DEEPEST else []
    if kind == "string":
        return BY_FORMAT.get(schema.get("format", ""), "CNY" if schema.get("pattern", "").startswith("^[A-Za-z]{3}") else "…")
    return {"integer": max(1, schema.get("minimum", 1)), "number": 0.5, "boolean": False, "null": None}.get(kind)
