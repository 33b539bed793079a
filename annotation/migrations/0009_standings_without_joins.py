"""Which posts stand elsewhere now is found out by set operations and indexes, whatever the planner knew of the tables when it first
planned: the time grows with the posts, not with their square."""

from django.db import migrations

FARTHEST = """
CREATE OR REPLACE FUNCTION annotation_farthest(posts bigint[])
RETURNS TABLE (post_id bigint, run_id bigint, source_id bigint, status text, reason text)
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
SELECT wanted.id, post.run_id, post.source_id, pair.status::text, CASE pair.status
    WHEN 'failed' THEN pair.failure
    WHEN 'rejected' THEN coalesce((SELECT reasons ->> 0 FROM annotation_review WHERE id = pair.decision_id), 'other')
    ELSE '' END AS reason
FROM (SELECT DISTINCT unnest(posts) AS id) AS wanted
CROSS JOIN LATERAL (
    SELECT status, failure, decision_id FROM annotation_pair WHERE post_id = wanted.id
    ORDER BY array_position(ARRAY['accepted', 'pending', 'disputed', 'drafting', 'failed', 'rejected'], status::text), id LIMIT 1
) AS pair
CROSS JOIN LATERAL (SELECT run_id, source_id FROM sources_post WHERE id = wanted.id AND status = 'kept' OFFSET 0) AS post
$$;
"""
STAND = """
CREATE OR REPLACE FUNCTION annotation_stand(posts bigint[]) RETURNS void LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE changed bigint[];
BEGIN
    PERFORM FROM sources_post WHERE id = ANY(posts) ORDER BY id FOR NO KEY UPDATE;
    WITH before AS MATERIALIZED (
        SELECT post_id, status::text, reason::text FROM annotation_standing WHERE post_id = ANY(posts)
    ), after AS MATERIALIZED (
        SELECT post_id, status, reason FROM annotation_farthest(posts)
    )
    SELECT array_agg(DISTINCT post_id) INTO changed FROM (
        (SELECT * FROM after EXCEPT SELECT * FROM before) UNION ALL (SELECT * FROM before EXCEPT SELECT * FROM after)
    ) AS moved;
    IF changed IS NULL THEN RETURN; END IF;
    INSERT INTO annotation_standingtally (run_id, status, reason, n)
        SELECT run_id, status, reason, -count(*) FROM annotation_standing WHERE post_id = ANY(changed) GROUP BY 1, 2, 3;
    DELETE FROM annotation_standing WHERE post_id = ANY(changed);
    INSERT INTO annotation_standing (post_id, run_id, source_id, status, reason)
        SELECT post_id, run_id, source_id, status, reason FROM annotation_farthest(changed);
    INSERT INTO annotation_standingtally (run_id, status, reason, n)
        SELECT run_id, status, reason, count(*) FROM annotation_standing WHERE post_id = ANY(changed) GROUP BY 1, 2, 3;
END $$;
"""


POSTS = "ALTER FUNCTION annotation_stand_of_posts() SET enable_seqscan = off"


class Migration(migrations.Migration):
    dependencies = [("annotation", "0008_search_changes")]
    operations = [migrations.RunSQL(FARTHEST + STAND + POSTS, migrations.RunSQL.noop)]
