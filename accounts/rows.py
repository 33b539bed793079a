"""Rows of models by SQL written by hand, for the few acts that happen a hundred times a second.

Putting a query together costs Django three times what this database needs to run it. Here the text is there already, and what
comes back are the models all the same. A cursor, too, would take longer to make than most of these statements run: they are
prepared once a connection, and then sent by the library beneath it. (docs/adr/0014)
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import JSONField, Model
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

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
    rows = _done(sql, values).rows
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
    return _done(sql, values).changed


class _Done(NamedTuple):
    rows: list[tuple[Any, ...]]
    changed: int


class _Line:
    """What is known of one connection: the statements that it has prepared (by their text and the types of their values), and how
    values are written and read on it, which is psycopg's own way also where Django has one in Python: times come as UTC from either."""

    def __init__(self, line: psycopg.Connection[Any]) -> None:
        self.connection, self.pg, self.prepared = None, line.pgconn, dict[tuple[str, tuple[int, ...]], bytes]()
        self.adapters = AdaptersMap(line.adapters)
        times = psycopg.adapters.types["timestamptz"].oid
        self.adapters.register_loader(times, psycopg.adapters.get_loader(times, psycopg.pq.Format.TEXT))  # type: ignore[arg-type] # it has one

    def run(self, sql: str, values: Values, *, is_autocommit: bool) -> _Done:
        """Raises what psycopg raises."""
        text, names, formats = _numbered(sql)
        transformer = Transformer(self)
        given = transformer.dump_sequence([values[name] for name in names], formats)  # type: ignore[call-overload]
        if not is_autocommit and self.pg.transaction_status == TransactionStatus.IDLE:
            self._looked_at(self.pg.exec_(b"BEGIN"))
        key = (sql, tuple(transformer.types or ()))
        if not (name := self.prepared.get(key)):
            name = b"rows_%d" % len(self.prepared)
            self._looked_at(self.pg.prepare(name, text, key[1]))
            self.prepared[key] = name
        result = self._looked_at(self.pg.exec_prepared(name, given, transformer.formats))  # type: ignore[arg-type] # None is NULL
        transformer.set_pgresult(result)
        return _Done(transformer.load_rows(0, result.ntuples, tuple), result.command_tuples or 0)

    def _looked_at(self, result: psycopg.pq.abc.PGresult) -> psycopg.pq.abc.PGresult:
        if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            return result
        if self.pg.status != ConnStatus.OK:  # what there is of a result then names no cause
            raise psycopg.OperationalError(result.get_error_message())
        raise psycopg.errors.error_from_result(result)


_lines: WeakKeyDictionary[psycopg.Connection[Any], _Line] = WeakKeyDictionary()
PLACE = re.compile(r"%(?:\((\w+)\)s|s|%)")


@lru_cache(1_000)
def _numbered(sql: str) -> tuple[bytes, list[Any], list[PyFormat]]:
    """The text with $1, $2 … as the server wants it, under which name or number each of their values is given, and its format."""
    names = list[Any]()

    def number(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        name = match[1] or len(names)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return PLACE.sub(number, sql).encode(), names, [PyFormat.AUTO] * len(names)


def _done(sql: LiteralString, values: Values) -> _Done:
    """On Django's own connection, in its transaction, with its errors."""
    here = connections[DEFAULT_DB_ALIAS]
    here.close_if_health_check_failed()
    if here.connection is None:
        here.ensure_connection()
    here.validate_no_broken_transaction()
    line = here.connection
    if not (known := _lines.get(line)):
        known = _lines[line] = _Line(line)
    with here.wrap_database_errors:
        return known.run(sql, values, is_autocommit=line.autocommit)


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
