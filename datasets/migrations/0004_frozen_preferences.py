"""What belongs to a frozen version is never changed: its records, preferences and removals. While a version is not frozen
(a build that starts over, or was cancelled) they may go."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM datasets_version v WHERE v.id = OLD.version_id AND v.state IN (%s)
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a frozen record is never changed: %% refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""
TRIGGERS = """
CREATE TRIGGER %(t)s_no_change BEFORE UPDATE OR DELETE ON %(t)s FOR EACH ROW EXECUTE FUNCTION refuse_record_change();
CREATE TRIGGER %(t)s_no_truncate BEFORE TRUNCATE ON %(t)s EXECUTE FUNCTION refuse_change();
"""
DROP = "DROP TRIGGER %(t)s_no_change ON %(t)s; DROP TRIGGER %(t)s_no_truncate ON %(t)s;"
TABLES = [{"t": "datasets_preference"}, {"t": "datasets_removal"}]
OPEN = "'queued', 'running', 'failed'"


class Migration(migrations.Migration):
    dependencies = [("datasets", "0003_recipes_preferences_takedowns")]
    operations = [
        migrations.RunSQL(FUNCTION % f"{OPEN}, 'cancelled'", FUNCTION % OPEN),
        *(migrations.RunSQL(TRIGGERS % table, DROP % table) for table in TABLES),
    ]
