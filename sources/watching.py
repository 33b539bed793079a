"""Changes of texts are written down by the database itself, so that the search index hears of them, whoever changes what."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION search_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sources_searchchange (kind, row) VALUES (TG_ARGV[0], NEW.id);
    RETURN NULL;
END $$;
"""


def watch(table: str, kind: str, *fields: str) -> migrations.RunSQL:
    """A migration operation: from now on a change of one of the `fields`, or of the source, of a row is a SearchChange."""
    columns = (*fields, "source_id")
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return migrations.RunSQL(
        FUNCTION
        + f"CREATE TRIGGER {table}_search AFTER UPDATE OF {', '.join(columns)} ON {table} FOR EACH ROW "
        + f"WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION search_changed('{kind}');",
        f"DROP TRIGGER {table}_search ON {table};",
    )
