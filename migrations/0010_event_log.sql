-- The log: every committed event under one number, 1, 2, 3 … without a gap. It is the only order that
-- anything downstream knows. Written by the relay's sequencer, never changed.
--
-- Range-partitioned by its number from the start, so that old parts can be archived whole: an event's
-- own table is partitioned by hash and can't be.

DO $$
DECLARE relay text := current_setting('renkei.role_prefix') || '_relay';
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = relay) THEN
        RAISE EXCEPTION 'the role % is missing', relay USING HINT = format(
            'As a role that may create roles: CREATE ROLE %I LOGIN PASSWORD ''…''; '
            'GRANT CONNECT ON DATABASE %I TO %I; GRANT pg_read_all_stats TO %I;',
            relay, current_database(), relay, relay);
    END IF;
END
$$;

CREATE TABLE event_log (
    global_sequence bigint NOT NULL CHECK (global_sequence >= 1),
    -- Raised when transaction ids began anew (see 0011).
    epoch           int    NOT NULL CHECK (epoch >= 1),
    event_id        uuid   NOT NULL,
    -- Where the event is: the key of `events`.
    aggregate_type  text   NOT NULL,
    aggregate_id    text   NOT NULL,
    sequence        bigint NOT NULL,
    -- Where it stood in the order of commits.
    transaction_id  xid8   NOT NULL,
    position        bigint NOT NULL,
    bank            text,
    partner         text,
    appended_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- SELECT … WHERE global_sequence > $1 ORDER BY global_sequence LIMIT $2 (the publisher, and whoever
    -- reads the log).
    PRIMARY KEY (global_sequence)
) PARTITION BY RANGE (global_sequence);

CREATE TRIGGER event_log_is_fact BEFORE UPDATE OR DELETE ON event_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_facts();
CREATE TRIGGER event_log_is_not_truncated BEFORE TRUNCATE ON event_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_facts();

-- Makes the partition that takes the number `containing`, ten million numbers each; false where it is
-- there. The relay calls it ahead of need and so owns nothing; attaching a table locks no reader out.
CREATE FUNCTION make_event_log_partition(containing bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    size  constant bigint := 10000000;
    n     constant bigint := (containing - 1) / size;
    part  constant text := 'event_log_p' || lpad(n::text, 5, '0');
BEGIN
    IF to_regclass('public.' || part) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE event_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
    EXECUTE format(
        'CREATE TRIGGER event_log_is_not_truncated BEFORE TRUNCATE ON %I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_facts()', part);
    EXECUTE format(
        'ALTER TABLE event_log ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        part, n * size + 1, (n + 1) * size + 1);
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION make_event_log_partition(bigint) FROM PUBLIC;
SELECT make_event_log_partition(1);

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', prefix || '_relay');
    -- The relay reads facts and writes none.
    EXECUTE format('GRANT SELECT ON events, partner_current, partner_at_bank_current, bank_current TO %I',
        prefix || '_relay');
    EXECUTE format('GRANT SELECT, INSERT ON event_log TO %I', prefix || '_relay');
    EXECUTE format('GRANT EXECUTE ON FUNCTION make_event_log_partition(bigint) TO %I', prefix || '_relay');
    EXECUTE format('GRANT SELECT ON event_log TO %I, %I', prefix || '_service', prefix || '_auditor');
END
$$;
