"""A decision changes one pair: where the post of one pair stands is found out without sets."""

from django.db import migrations

# The same as `annotation_stand` for one post, which is locked by it likewise.
ONE = """
CREATE FUNCTION annotation_stand_of_one(one bigint) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    post_run bigint; post_source bigint; post_status text;
    stood_run bigint; stood_status text; stood_reason text;
    now_status text; now_reason text; why text; decided bigint;
BEGIN
    SELECT run_id, source_id, status INTO post_run, post_source, post_status FROM sources_post WHERE id = one FOR NO KEY UPDATE;
    SELECT run_id, status, reason INTO stood_run, stood_status, stood_reason FROM annotation_standing WHERE post_id = one;
    IF post_status = 'kept' THEN
        SELECT status, failure, decision_id INTO now_status, why, decided FROM annotation_pair WHERE post_id = one
            ORDER BY array_position(ARRAY['accepted', 'pending', 'disputed', 'drafting', 'failed', 'rejected'], status::text), id LIMIT 1;
        now_reason := CASE now_status
            WHEN 'failed' THEN why
            WHEN 'rejected' THEN coalesce((SELECT reasons ->> 0 FROM annotation_review WHERE id = decided), 'other')
            ELSE '' END;
    END IF;
    IF (stood_status, stood_reason) IS NOT DISTINCT FROM (now_status, CASE WHEN now_status IS NOT NULL THEN now_reason END) THEN
        RETURN;
    END IF;
    INSERT INTO annotation_standingtally (run_id, status, reason, n)
        SELECT moved.* FROM (VALUES (stood_run, stood_status, stood_reason, -1), (post_run, now_status, now_reason, 1))
            AS moved (run_id, status, reason, n) WHERE moved.status IS NOT NULL;
    IF now_status IS NULL THEN
        DELETE FROM annotation_standing WHERE post_id = one;
    ELSIF stood_status IS NULL THEN
        INSERT INTO annotation_standing (post_id, run_id, source_id, status, reason)
            VALUES (one, post_run, post_source, now_status, now_reason);
    ELSE
        UPDATE annotation_standing SET run_id = post_run, source_id = post_source, status = now_status, reason = now_reason
            WHERE post_id = one;
    END IF;
END $$;
"""
PAIRS = """
CREATE OR REPLACE FUNCTION annotation_stand_of_pairs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM annotation_stand(array_agg(DISTINCT post_id)) FROM after HAVING count(*) > 0;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM annotation_stand(array_agg(DISTINCT post_id)) FROM before HAVING count(*) > 0;
    {one}ELSE
        PERFORM annotation_stand(array_agg(DISTINCT post_id)) FROM (
            (SELECT post_id, id, status, failure, decision_id FROM after
             EXCEPT SELECT post_id, id, status, failure, decision_id FROM before)
            UNION ALL
            (SELECT post_id, id, status, failure, decision_id FROM before
             EXCEPT SELECT post_id, id, status, failure, decision_id FROM after)
        ) AS moved HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
"""
UPDATED = """ELSIF (SELECT count(*) FROM after) = 1 AND (SELECT post_id FROM after) = (SELECT post_id FROM before) THEN
        PERFORM annotation_stand_of_one(after.post_id) FROM after, before
            WHERE (after.status, after.failure, after.decision_id) IS DISTINCT FROM (before.status, before.failure, before.decision_id);
    """


class Migration(migrations.Migration):
    dependencies = [("annotation", "0012_near_bands")]
    operations = [
        migrations.RunSQL(
            ONE + PAIRS.replace("{one}", UPDATED),
            PAIRS.replace("{one}", "") + "DROP FUNCTION annotation_stand_of_one;",
        )
    ]
