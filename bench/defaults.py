"""Columns that SQL of a bench does not name get what Django would give them: a bench that fills tables need not know each of them."""

from django.apps import apps
from django.db import connection
from django.db.models import NOT_PROVIDED


def set_defaults() -> None:
    """For every column of our tables that has a default in Python, or may be blank, and none in the database."""
    with connection.schema_editor() as editor:
        for model in apps.get_models():
            for field in model._meta.local_concrete_fields if model._meta.managed else ():
                value = editor.effective_default(field)
                if value is None or field.db_default is not NOT_PROVIDED or field.primary_key:
                    continue
                table, column = editor.quote_name(model._meta.db_table), editor.quote_name(field.column)
                editor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {editor.quote_value(value)}", None)
