"""Posts and rejected rows are counted where they are written: see docs/adr/0008."""

from django.db import migrations

POSTS = """
CREATE FUNCTION sources_tally_posts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO sources_tally (run_id, status, reason, n)
        SELECT run_id, status, drop_reason, count(*) FROM after GROUP BY 1, 2, 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO sources_tally (run_id, status, reason, n)
        SELECT run_id, status, drop_reason, -count(*) FROM before GROUP BY 1, 2, 3;
    ELSE
        INSERT INTO sources_tally (run_id, status, reason, n)
        SELECT run_id, status, drop_reason, sum(n) FROM (
            SELECT run_id, status, drop_reason, 1 AS n FROM after UNION ALL SELECT run_id, status, drop_reason, -1 FROM before
        ) AS moved GROUP BY 1, 2, 3 HAVING sum(n) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sources_post_tally_insert AFTER INSERT ON sources_post
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION sources_tally_posts();
CREATE TRIGGER sources_post_tally_update AFTER UPDATE ON sources_post
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION sources_tally_posts();
CREATE TRIGGER sources_post_tally_delete AFTER DELETE ON sources_post
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sources_tally_posts();
"""
REJECTED = """
CREATE FUNCTION sources_tally_rejected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO sources_tally (run_id, status, reason, n)
        SELECT run_id, 'rejected', reason, count(*) FROM after GROUP BY 1, 3;
    ELSE
        INSERT INTO sources_tally (run_id, status, reason, n)
        SELECT run_id, 'rejected', reason, -count(*) FROM before
        WHERE EXISTS (SELECT FROM sources_importrun WHERE id = run_id) GROUP BY 1, 3;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sources_rejectedrow_tally_insert AFTER INSERT ON sources_rejectedrow
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION sources_tally_rejected();
CREATE TRIGGER sources_rejectedrow_tally_delete AFTER DELETE ON sources_rejectedrow
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sources_tally_rejected();
"""
THERE = """
INSERT INTO sources_tally (run_id, status, reason, n) SELECT run_id, status, drop_reason, count(*) FROM sources_post GROUP BY 1, 2, 3;
INSERT INTO sources_tally (run_id, status, reason, n) SELECT run_id, 'rejected', reason, count(*) FROM sources_rejectedrow GROUP BY 1, 3;
"""
UNDO = """
DROP TRIGGER sources_post_tally_insert ON sources_post;
DROP TRIGGER sources_post_tally_update ON sources_post;
DROP TRIGGER sources_post_tally_delete ON sources_post;
DROP FUNCTION sources_tally_posts;
DROP TRIGGER sources_rejectedrow_tally_insert ON sources_rejectedrow;
DROP TRIGGER sources_rejectedrow_tally_delete ON sources_rejectedrow;
DROP FUNCTION sources_tally_rejected;
DELETE FROM sources_tally;
"""


class Migration(migrations.Migration):
    dependencies = [("sources", "0005_tallies_choices_rescues_lists_previews")]
    operations = [migrations.RunSQL(POSTS + REJECTED + THERE, UNDO)]
