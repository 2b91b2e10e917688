-- Parts of the log that were archived whole: exported with their events, read back, and dropped here. Each row
-- commits with the drop; it is never changed.
CREATE TABLE event_log_archives (
    -- The numbers that left; the last one is where the log begins after.
    first_global_sequence bigint NOT NULL,
    last_global_sequence  bigint PRIMARY KEY,
    numbers     bigint      NOT NULL, -- how many; fewer than the range has where an epoch left a gap
    -- The greatest `position` among them: later events have a greater one.
    last_position bigint    NOT NULL,
    last_appended_at timestamptz NOT NULL,
    file_name   text        NOT NULL,
    file_sha256 text        NOT NULL, -- of the file as it was written, lower-case hex
    archived_by text        NOT NULL CHECK (archived_by <> ''),
    reason      text        NOT NULL CHECK (reason <> ''),
    archived_at timestamptz NOT NULL DEFAULT now(),
    -- 'bank:partner': whose events in it had not been taken, by an order that named each.
    left_behind text[]      NOT NULL DEFAULT '{}',
    CHECK (first_global_sequence <= last_global_sequence)
);
CREATE TRIGGER event_log_archives_stay BEFORE UPDATE OR DELETE ON event_log_archives
    FOR EACH ROW EXECUTE FUNCTION refuse_removal_of_a_record();
CREATE TRIGGER event_log_archives_are_not_truncated BEFORE TRUNCATE ON event_log_archives
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal_of_a_record();

-- The last number that this log has no more; 0 while it has all.
CREATE FUNCTION archived_to() RETURNS bigint LANGUAGE sql STABLE AS
    'SELECT coalesce(max(last_global_sequence), 0) FROM event_log_archives';

-- Whether the log still has an event, by its position: WHERE position = $1. Numbers and positions rise
-- together but for what was open at the same moment, so a summary of each range of pages is enough.
CREATE INDEX event_log_positions ON event_log USING brin (position) WITH (autosummarize = on);

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT ON event_log_archives TO %I, %I, %I',
        prefix || '_service', prefix || '_relay', prefix || '_auditor');
END
$$;
