-- Who appends to the log, and how far it goes: one row. The append's statement updates this row, so a
-- relay that lost the lease hits no row and appends nothing.
CREATE TABLE sequencer (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    holder          text,        -- the instance that leads or led last
    fence           bigint      NOT NULL DEFAULT 0, -- raised by every takeover
    expires_at      timestamptz NOT NULL DEFAULT '-infinity', -- by this database's clock
    global_sequence bigint      NOT NULL DEFAULT 0, -- the log's last number
    epoch           int         NOT NULL DEFAULT 1,
    -- Everything up to here, in (transaction_id, position), is in the log.
    transaction_id  xid8        NOT NULL DEFAULT '0',
    position        bigint      NOT NULL DEFAULT 0,
    -- Events of this epoch have a greater position; older ones were taken when the epoch began.
    position_floor  bigint      NOT NULL DEFAULT 0,
    -- The lineage of the data: NULL until a relay led for the first time. Another one means a restore, a
    -- failover or a copy, and is looked at before anything is appended.
    system_identifier bigint,
    timeline        text,
    database_oid    oid
) WITH (fillfactor = 50); -- updated with every batch: room for that on its own page
INSERT INTO sequencer DEFAULT VALUES;

-- The epochs of the log after the first, each begun by an operator after a restore.
CREATE TABLE event_log_epochs (
    epoch                 int PRIMARY KEY CHECK (epoch > 1),
    -- The first number that this epoch may take. Numbers between the last of the epoch before and this
    -- one were published before the restore and are in this log no more.
    first_global_sequence bigint      NOT NULL,
    begun_at              timestamptz NOT NULL DEFAULT now(),
    begun_by              text        NOT NULL,
    reason                text        NOT NULL
);

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT, UPDATE ON sequencer TO %I', prefix || '_relay');
    EXECUTE format('GRANT SELECT ON event_log_epochs TO %I', prefix || '_relay');
    EXECUTE format('GRANT SELECT ON sequencer, event_log_epochs TO %I, %I',
        prefix || '_service', prefix || '_auditor');
END
$$;
