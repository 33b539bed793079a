"""A record is never changed, and goes only while its version is not frozen (a build that starts over)."""

from django.db import migrations

SQL = """
CREATE FUNCTION refuse_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM datasets_version v WHERE v.id = OLD.version_id AND v.state IN ('queued', 'running', 'failed')
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a frozen record is never changed: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER datasets_record_no_change BEFORE UPDATE OR DELETE ON datasets_record
    FOR EACH ROW EXECUTE FUNCTION refuse_record_change();
CREATE TRIGGER datasets_record_no_truncate BEFORE TRUNCATE ON datasets_record EXECUTE FUNCTION refuse_change();
"""
UNDO = """
DROP TRIGGER datasets_record_no_change ON datasets_record;
DROP TRIGGER datasets_record_no_truncate ON datasets_record;
DROP FUNCTION refuse_record_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_append_only"), ("datasets", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
