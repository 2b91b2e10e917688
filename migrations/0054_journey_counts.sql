-- How journeys end, counted: where, in which way, by day of the partner's request. It outlives the journeys that it
-- counts, which leave the read models after a while. Written by the sweeper from the log, each number of the log
-- once: the counts and the number up to which they go move in one transaction.

CREATE TABLE journey_counts (
    bank    text   NOT NULL,
    day     date   NOT NULL, -- of the request, in Japan
    partner text   NOT NULL,
    -- What happened: an end of the journey; `connected`, the partner's first token after 許可; or `row_rejected`,
    -- an account that step 4 refused (rows, not journeys).
    fact    text   NOT NULL
        CHECK (fact IN ('authorized', 'cancelled', 'declined', 'timed_out', 'failed', 'connected', 'row_rejected')),
    step    text   NOT NULL, -- at which step: login, tasks, accounts, confirm, authorize
    reason  text   NOT NULL, -- what ran out, the failure's code, or why the row was refused; else empty
    count   bigint NOT NULL CHECK (count > 0),
    -- SELECT … WHERE bank = $1 AND day BETWEEN $2 AND $3, of one partner or of all (the funnel).
    PRIMARY KEY (bank, day, partner, fact, step, reason)
);

-- The log's number up to which is counted: one row.
CREATE TABLE journey_counts_until (
    one             boolean     PRIMARY KEY DEFAULT true CHECK (one),
    global_sequence bigint      NOT NULL DEFAULT 0,
    moved_at        timestamptz NOT NULL DEFAULT now()
);
INSERT INTO journey_counts_until DEFAULT VALUES;

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON journey_counts TO %I', prefix || '_service');
    EXECUTE format('GRANT SELECT, UPDATE ON journey_counts_until TO %I', prefix || '_service');
    EXECUTE format('GRANT SELECT ON journey_counts, journey_counts_until TO %I', prefix || '_auditor');
END
$$;
