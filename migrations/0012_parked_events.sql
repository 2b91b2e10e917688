-- Events that can't be published, and those of their streams behind them. What has a row here is never
-- published by the ordinary way, whatever its state.
CREATE TABLE parked_events (
    global_sequence bigint PRIMARY KEY,
    event_id        uuid NOT NULL,
    aggregate_type  text NOT NULL,
    aggregate_id    text NOT NULL,
    -- parked: stands still until an operator acts; waiting: goes when none before it in its stream is
    -- parked; published and skipped: done.
    state           text NOT NULL CHECK (state IN ('parked', 'waiting', 'published', 'skipped')),
    cause           text, -- one of a short list, see docs/relay.md; NULL where it only waits behind another
    detail          text, -- for the operator; never a payload
    parked_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    tries           int NOT NULL DEFAULT 0,
    settled_at      timestamptz,
    -- Who ordered the last retry or the skip, and why.
    ordered_by      text,
    order_reason    text,
    CHECK ((state IN ('published', 'skipped')) = (settled_at IS NOT NULL)),
    CHECK (state <> 'parked' OR cause IS NOT NULL)
);
-- The unsettled rows of a stream, in its order: what blocks it, and what goes next.
CREATE INDEX parked_events_unsettled ON parked_events (aggregate_type, aggregate_id, global_sequence)
    WHERE state IN ('parked', 'waiting');

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON parked_events TO %I', prefix || '_relay');
    EXECUTE format(
        'GRANT UPDATE (state, cause, detail, tries, settled_at, ordered_by, order_reason)'
        || ' ON parked_events TO %I', prefix || '_relay');
    EXECUTE format('GRANT SELECT ON parked_events TO %I', prefix || '_auditor');
END
$$;
