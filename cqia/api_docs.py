"""docs/api.md, put together from the description of the API: `manage.py api_docs` writes it, a test holds it in step."""

from typing import Any

from django.conf import settings
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from accounts import parsing

from .api_problems import EVERYWHERE, OF_ACTS, OF_FAMILIES
from .api_tags import API_TAGS
from .openapi import operations

PATH = settings.BASE_DIR / "docs" / "api.md"
PREFIX = "/api/v1"
ABOUT = """# The API

Made by `manage.py api_docs` from the code; do not edit it. A running Zhumo shows all of this with every field and an example at
`/api/v1/docs/`, and gives it to programs as OpenAPI 3.1 at `/api/v1/schema/`. `clients/python` is a small typed client.

## How it speaks

- **Who asks**: `Authorization: Bearer zm_…`. `manage.py create_token NAME` makes a token of a person, and so does the person's own page;
  it may do what the person's role may, or less if it was made for less. A role can do all that those before it can: viewer, reviewer, lead,
  admin. A token makes none that is for more or lives longer than itself; and of somebody who signs in with a second factor it makes none at
  all and does nothing to people: that is for sessions alone.
- **JSON in, JSON out**, in UTF-8. JSON is taken at its word: `"5"` is no number and `0` is not `false`; at most {megabytes} MB and {deepest}
  levels. Amounts of money are texts in answers and may be numbers in requests. Files are sent as multipart forms.
- **Errors** are problem JSON (RFC 9457): `{{"type", "title", "status", "code", "detail"}}`. `code` is stable and listed below; `detail` is
  for people, in the language of `Accept-Language`. For the code `invalid`, `errors` says what is wrong by field.
- **Pages** go by cursor: `{{"next", "previous", "results"}}`; follow `next` until it is null. `page_size` is 1 to 500. They hold still while
  rows come and go, and no page counts the rows before it.
- **Filters** are of fixed values; one that does not exist is 400, not an empty page.
- **Work** that takes time is answered at once with 202 and an id. Ask that address until `status` is no longer one of waiting or running.
- **Sent again**: a POST with an `Idempotency-Key` (a UUID of your making) is done once; the same request with the same key is answered as the
  first time for a day, another one with it is 422. Where the answer showed a secret, it is 409 `shown_once` the second
  time: secrets are kept nowhere. Reviews need a key and keep it for ever. An upload needs none: the same bytes again are
  200 with the import that there is.
- **How often**: {rates} requests a minute for each token, by role; then 429 with `Retry-After`.
"""


def text() -> str:
    with translation.override("en"):
        schema = SchemaGenerator().get_schema(request=None, public=True)
    return "\n".join([_about(), *_operations(schema), *_codes()]) + "\n"


def _about() -> str:
    rates = ", ".join(f"{number} ({role})" for role, number in settings.API_RATES.items())
    return ABOUT.format(megabytes=parsing.LARGEST // 2**20, deepest=parsing.DEEPEST, rates=rates)


def _operations(schema: dict[str, Any]) -> list[str]:
    by_tag: dict[str, list[str]] = {tag: [] for tag in API_TAGS}
    for path, method, operation in _in_order(schema):
        codes = ", ".join(sorted(operation["responses"])[:1])
        row = f"| `{method} {path.removeprefix(PREFIX)}` | {operation['summary']} | {operation['x-role']} | {codes} |"
        by_tag[operation["tags"][0]].append(row)
    lines = ["## What there is", "", "The least role that may ask, and the status of an answer that all went well with."]
    for tag, rows in by_tag.items():
        if rows:
            lines += ["", f"### {tag}", "", f"{API_TAGS[tag]}.", "", "| | | role | |", "|---|---|---|---|", *rows]
    return lines


def _in_order(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    found = [(path, method.upper(), operation) for path, method, operation in operations(schema)]
    return sorted(found, key=lambda each: each[:2])


def _codes() -> list[str]:
    families = {
        "Everywhere": EVERYWHERE, "Of single acts": OF_ACTS, "Rows that cannot be kept, and URLs that are not fetched": OF_FAMILIES
    }  # fmt: skip
    lines = ["", "## Codes of errors"]
    for name, codes in families.items():
        lines += ["", f"### {name}", "", "| code | status | |", "|---|---|---|"]
        lines += [f"| `{code}` | {status} | {meaning} |" for code, (status, meaning) in codes.items()]
    return lines
