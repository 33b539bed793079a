"""The last hand on the description of the API: a sentence, the errors and an example for every operation."""

from collections.abc import Iterator
from typing import Any

from .api_examples import add_examples
from .api_operations import REFUSALS, SUMMARIES
from .api_problems import PROBLEMS

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `code` is for scripts and stays; `detail` is for people and may change.",
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"$ref": "#/components/schemas/ProblemCode"},
        "detail": {"type": "string"},
        "errors": {"description": "Of code `invalid`: the messages by field."},
        "findings": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Finding"},
            "description": "Of code `check_failed`: what the checks found.",
        },
    },
    "required": ["type", "title", "status", "code", "detail"],
}
TITLES = {
    400: "The request is not right",
    401: "No token, or one that is not taken",
    403: "Not for this role",
    404: "There is no such thing",
    405: "The address does not know the method",
    406: "The answer cannot be given in a type that is accepted",
    409: "Not possible now",
    413: "Too large",
    415: "A content type that is not understood here",
    422: "It cannot be done as it was asked",
    429: "Too many requests",
    503: "Not now: come back later",
}
RETRY = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 0}}}
KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "format": "uuid"},
    "description": "The same request with the same key is done once, and answered alike for a day.",
}  # fmt: skip


def _may_have_key(operation: dict[str, Any]) -> bool:
    """Any POST but an upload, which is known by its bytes, and but those that say more about their key themselves."""
    has_one = any(parameter["name"] == KEY["name"] for parameter in operation.get("parameters", []))
    return not has_one and "multipart/form-data" not in operation.get("requestBody", {}).get("content", {})


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular, after all of its own."""
    components = result["components"].setdefault("schemas", {})
    components["ProblemCode"] = {"type": "string", "enum": sorted(PROBLEMS), "description": "See docs/api.md."}
    components["Problem"] = PROBLEM
    for name, schema in components.items():
        if name.endswith("Request"):
            _let_amounts_be_numbers(schema)
    for path, method, operation in operations(result):
        if method == "post" and _may_have_key(operation):
            operation.setdefault("parameters", []).append(KEY)
        operation["summary"] = SUMMARIES[operation["operationId"]]
        for status, codes in _errors(path, operation).items():
            operation["responses"][str(status)] = _answer(status, codes) if codes else _shared(status, result)
        operation["responses"] = dict(sorted(operation["responses"].items()))
    add_examples(result)
    return result


def _let_amounts_be_numbers(schema: dict[str, Any]) -> None:
    """Amounts are answered as texts, which lose nothing; they may be sent as numbers, too."""
    for name, said in schema.get("properties", {}).items():
        kinds = said.get("type", [])
        if said.get("format") == "decimal" or "decimal" in str(said):
            schema["properties"][name] = {**said, "type": sorted({*([kinds] if isinstance(kinds, str) else kinds), "number"})}


def operations(result: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "operationId" in operation:
                yield path, method, operation


def _errors(path: str, operation: dict[str, Any]) -> dict[int, tuple[str, ...]]:
    """What it may answer beside what it is for. Addresses hold ids, and what is asked in the address may name things: 404."""
    errors: dict[int, tuple[str, ...]] = dict.fromkeys((401, 403, 406, 429, 503), ())
    parameters = [parameter for parameter in operation.get("parameters", []) if parameter["in"] != "path"]
    if "{" in path or parameters:
        errors[404] = ()
    if parameters or "requestBody" in operation:
        errors[400] = ()
    if "requestBody" in operation:
        errors |= {413: (), 415: (), 404: ()}
    refusals = dict(REFUSALS.get(operation["operationId"], {}))
    if any(parameter["name"] == KEY["name"] and not parameter.get("required") for parameter in parameters):
        refusals[409] = (*refusals.get(409, ()), "being_done")
        refusals[422] = (*refusals.get(422, ()), "same_key_other_body")
    return {**errors, **refusals}


def _shared(status: int, result: dict[str, Any]) -> dict[str, Any]:
    name = TITLES[status].title().translate({ord(mark): None for mark in " ,:"})
    result["components"].setdefault("responses", {}).setdefault(name, _answer(status))
    return {"$ref": f"#/components/responses/{name}"}


def _answer(status: int, codes: tuple[str, ...] = ()) -> dict[str, Any]:
    names = codes or tuple(code for code, (of, _meaning) in PROBLEMS.items() if of == status and status not in (400, 409, 422))
    said = f"{TITLES[status]}: {', '.join(f'`{name}`' for name in names)}." if names else f"{TITLES[status]}."
    code = (names or ("invalid",))[0]
    problem = {"type": "about:blank", "title": TITLES[status], "status": status, "code": code, "detail": PROBLEMS[code][1]}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {code: {"value": problem}}}
    answer: dict[str, Any] = {"description": said, "content": {"application/problem+json": content}}
    return {**answer, "headers": RETRY} if status in (429, 503) else answer
