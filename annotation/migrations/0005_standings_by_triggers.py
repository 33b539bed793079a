"""Where kept posts with pairs stand is written where pairs, and posts, are: see docs/adr/0008."""

from django.db import migrations

# Whoever changes pairs of a post, or the post, holds the post's row until the end of the transaction. Each statement of the function
# sees what was committed before it got that lock, so two at once come out as one after the other. Nested loops, because the
# plan is made once and must fit one post as well as a thousand.
STAND = """
CREATE FUNCTION annotation_stand(posts bigint[]) RETURNS void LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE changed bigint[];
BEGIN
    PERFORM FROM sources_post WHERE id = ANY(posts) ORDER BY id FOR NO KEY UPDATE;
    SELECT array_agg(post.id) INTO changed FROM sources_post AS post
        LEFT JOIN annotation_standing AS before ON before.post_id = post.id
        LEFT JOIN annotation_farthest(posts) AS after ON after.post_id = post.id
        WHERE post.id = ANY(posts) AND (before.status, before.reason) IS DISTINCT FROM (after.status, after.reason);
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
FARTHEST = """
CREATE FUNCTION annotation_farthest(posts bigint[])
RETURNS TABLE (post_id bigint, run_id bigint, source_id bigint, status text, reason text)
LANGUAGE sql STABLE AS $$
SELECT DISTINCT ON (pair.post_id) pair.post_id, post.run_id, post.source_id, pair.status::text, CASE pair.status
    WHEN 'failed' THEN pair.failure
    WHEN 'rejected' THEN coalesce((SELECT reasons ->> 0 FROM annotation_review WHERE id = pair.decision_id), 'other')
    ELSE '' END AS reason
FROM annotation_pair AS pair JOIN sources_post AS post ON post.id = pair.post_id
WHERE post.status = 'kept' AND pair.post_id = ANY(posts)
ORDER BY pair.post_id,
    array_position(ARRAY['accepted', 'pending', 'disputed', 'drafting', 'failed', 'rejected'], pair.status::text), pair.id
$$;
"""
TRIGGERS = """
CREATE FUNCTION annotation_stand_of_pairs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM annotation_stand(array_agg(DISTINCT post_id)) FROM after HAVING count(*) > 0;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM annotation_stand(array_agg(DISTINCT post_id)) FROM before HAVING count(*) > 0;
    ELSE
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
CREATE TRIGGER annotation_pair_stand_insert AFTER INSERT ON annotation_pair
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION annotation_stand_of_pairs();
CREATE TRIGGER annotation_pair_stand_update AFTER UPDATE ON annotation_pair
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION annotation_stand_of_pairs();
CREATE TRIGGER annotation_pair_stand_delete AFTER DELETE ON annotation_pair
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION annotation_stand_of_pairs();
CREATE FUNCTION annotation_stand_of_posts() RETURNS trigger LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM annotation_stand(array_agg(id)) FROM (
        SELECT id FROM (SELECT id, status FROM after EXCEPT SELECT id, status FROM before) AS moved
        WHERE EXISTS (SELECT FROM annotation_pair WHERE post_id = moved.id)
    ) AS moved HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER sources_post_stand_update AFTER UPDATE ON sources_post
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION annotation_stand_of_posts();
"""
THERE = """
INSERT INTO annotation_standing (post_id, run_id, source_id, status, reason)
SELECT post_id, run_id, source_id, status, reason FROM annotation_farthest(ARRAY(SELECT DISTINCT post_id FROM annotation_pair));
INSERT INTO annotation_standingtally (run_id, status, reason, n)
SELECT run_id, status, reason, count(*) FROM annotation_standing GROUP BY 1, 2, 3;
"""
UNDO = """
DROP TRIGGER sources_post_stand_update ON sources_post;
DROP TRIGGER annotation_pair_stand_insert ON annotation_pair;
DROP TRIGGER annotation_pair_stand_update ON annotation_pair;
DROP TRIGGER annotation_pair_stand_delete ON annotation_pair;
DROP FUNCTION annotation_stand_of_posts;
DROP FUNCTION annotation_stand_of_pairs;
DROP FUNCTION annotation_stand;
DROP FUNCTION annotation_farthest;
DELETE FROM annotation_standing;
DELETE FROM annotation_standingtally;
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0004_standings"), ("sources", "0006_tallies_by_triggers")]
    operations = [migrations.RunSQL(FARTHEST + STAND + TRIGGERS + THERE, UNDO)]
