"""The audit log's chain in SQL: what of an entry is hashed, and the trigger that does it. (docs/adr/0019)"""

START = "0" * 64  # what the first entry follows

# The text that is hashed, of a row `link` and a row `entry`. Never change it: the hashes of all entries would be others.
DOCUMENT = """jsonb_build_array(link.previous, link.position, entry.id, entry.by_id, entry.action, entry.subject, entry.detail,
    to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))::text"""

# Deferred: the lock is held while a transaction commits, not while it works. In READ COMMITTED each statement of the function sees
# what others have committed before it got the lock.
TRIGGER = f"""
CREATE FUNCTION link_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry accounts_auditentry := NEW;
    link accounts_auditlink;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('accounts_auditlink'));
    SELECT coalesce(max(position), 0) + 1 INTO link.position FROM accounts_auditlink;
    SELECT digest INTO link.previous FROM accounts_auditlink WHERE position = link.position - 1;
    link.previous := coalesce(link.previous, '{START}');
    link.digest := encode(sha256(convert_to({DOCUMENT}, 'UTF8')), 'hex');
    INSERT INTO accounts_auditlink (position, entry_id, previous, digest)
        VALUES (link.position, entry.id, link.previous, link.digest);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER accounts_auditentry_link AFTER INSERT ON accounts_auditentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION link_audit_entry();
"""  # noqa: S608 (only constants are put together)

# Those that were there before there was a chain, in their order.
CATCH_UP = f"""
DO $$
DECLARE
    entry accounts_auditentry;
    link accounts_auditlink;
BEGIN
    link.position := 0;
    link.digest := '{START}';
    FOR entry IN SELECT * FROM accounts_auditentry ORDER BY id LOOP
        link.position := link.position + 1;
        link.previous := link.digest;
        link.digest := encode(sha256(convert_to({DOCUMENT}, 'UTF8')), 'hex');
        INSERT INTO accounts_auditlink (position, entry_id, previous, digest)
            VALUES (link.position, entry.id, link.previous, link.digest);
    END LOOP;
END $$;
"""  # noqa: S608
UNDO = "DROP TRIGGER accounts_auditentry_link ON accounts_auditentry; DROP FUNCTION link_audit_entry();"
