-- The event store. The first seven columns and the primary key are postgres-es's own layout, so that
-- its stock repository can read the table; every other column has a default or allows NULL.
--
-- Hash-partitioned by aggregate id from the start: splitting a table of a billion rows later costs
-- hours. 16 partitions keep each primary-key index cacheable.
CREATE TABLE events (
    aggregate_type text   NOT NULL,
    aggregate_id   text   NOT NULL, -- '<bank code>:<id>'; a partner's has no bank
    sequence       bigint NOT NULL CHECK (sequence >= 1),
    event_type     text   NOT NULL,
    event_version  text   NOT NULL,
    payload        json   NOT NULL,
    metadata       json   NOT NULL, -- a flat map of strings

    event_id       uuid        NOT NULL DEFAULT gen_random_uuid(), -- UUIDv7 from the service
    position       bigint      GENERATED ALWAYS AS IDENTITY,
    transaction_id xid8        NOT NULL DEFAULT pg_current_xact_id(),
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    effective_at   timestamptz, -- where the fact holds since another time than it was recorded
    bank           text,
    partner        text,
    contract       text,        -- NULL until login
    actor_kind     text        NOT NULL DEFAULT 'system',
    actor_id       text,
    causation_id   uuid,        -- the event or attempt that led to this one
    request_id     text,
    traceparent    text,
    command_key    text,
    release        text,        -- of the service that wrote it
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
) PARTITION BY HASH (aggregate_id);

DO $$
BEGIN
    FOR i IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE events_p%s PARTITION OF events FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
            lpad(i::text, 2, '0'), i);
    END LOOP;
END
$$;

-- For the sequencer: rows below the xmin gate in (transaction_id, position) order.
CREATE INDEX events_by_commit ON events (transaction_id, position);

-- Ends the append statement, and with it everything that it wrote, when another command came first.
CREATE FUNCTION append_conflict() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'another command came first' USING ERRCODE = 'RK001';
END
$$;

-- Facts are never changed, whoever asks: the service role has no such right, and this stops the rest.
CREATE FUNCTION refuse_change_of_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never updated, deleted or truncated' USING ERRCODE = 'RK002';
END
$$;
CREATE TRIGGER events_are_facts BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_facts();
CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_facts();

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I, %I', prefix || '_service', prefix || '_auditor');
    EXECUTE format('GRANT SELECT, INSERT ON events TO %I', prefix || '_service');
    EXECUTE format('GRANT SELECT ON events TO %I', prefix || '_auditor');
END
$$;
