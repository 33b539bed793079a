"""Rows of models by SQL written by hand, for the few acts that happen a hundred times a second.

Putting a query together costs Django three times what this database needs to run it. Here the text is there already, and what
comes back are the models all the same. (docs/adr/0014)
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import JSONField, Model

Values = Mapping[str, Any] | Sequence[Any]


@lru_cache
def columns(model: type[Model], alias: str) -> str:
    """The columns of `model`, for a SELECT or RETURNING that `read` is to understand."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


@lru_cache
def _shape(model: type[Model]) -> tuple[list[str], list[int]]:
    fields = model._meta.concrete_fields
    return [field.attname for field in fields], [at for at, field in enumerate(fields) if isinstance(field, JSONField)]


def read(sql: LiteralString, values: Values, *models: type[Model]) -> list[Any]:
    """What `sql` gives: without a model its rows, for one its instances, for several tuples of them (None for an outer
    join's missing row)."""
    rows = _executed(sql, values).fetchall()
    if not models:
        return rows
    if len(models) == 1:
        return [made(models[0], row) for row in rows]
    return [_split(row, models) for row in rows]


@lru_cache
def _written(model: type[Model]) -> list[tuple[str, Any]]:
    """The columns that saving a new row writes, with their fields."""
    return [(str(field.column), field) for field in model._meta.concrete_fields if not field.primary_key]


def for_insert(model: type[Model]) -> str:
    """Columns and values of a new row of `model`, for an INSERT that is given `values_of` it."""
    names = [name for name, _field in _written(model)]
    return f"({', '.join(names)}) VALUES ({', '.join(f'%({name})s' for name in names)})"


def values_of(instance: Model) -> dict[str, Any]:
    """Column -> value of an instance that is not saved yet, as saving it would write it."""
    here = connections[DEFAULT_DB_ALIAS]
    return {name: field.get_db_prep_save(field.pre_save(instance, True), here) for name, field in _written(type(instance))}


def run(sql: LiteralString, values: Values) -> int:
    """How many rows `sql` has changed."""
    return _executed(sql, values).rowcount


def _executed(sql: LiteralString, values: Values) -> psycopg.Cursor[Any]:
    """Prepared by the server once a connection, where Django would send the text to be planned anew each time (the setting
    `prepare_threshold` lets that happen); on Django's own connection, in its transaction, with its errors."""
    here = connections[DEFAULT_DB_ALIAS]
    here.close_if_health_check_failed()
    if here.connection is None:
        here.ensure_connection()
    here.validate_no_broken_transaction()
    with here.wrap_database_errors:
        return psycopg.Cursor(here.connection).execute(sql, values, prepare=True)


def _split(row: Sequence[Any], models: Sequence[type[Model]]) -> tuple[Any, ...]:
    found, at = [], 0
    for model in models:
        size = len(_shape(model)[0])
        found.append(made(model, row[at : at + size]))
        at += size
    return tuple(found)


def made(model: type[Model], row: Sequence[Any]) -> Any:
    """The instance that a row of `columns` is; None for an outer join's missing row."""
    names, documents = _shape(model)
    values = list(row)
    if values[0] is None:
        return None
    for at in documents:
        if isinstance(values[at], str):
            values[at] = json.loads(values[at])
    return model.from_db(DEFAULT_DB_ALIAS, names, values)
