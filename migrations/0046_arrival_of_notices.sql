-- "Did every notice arrive?": what an end has to be told by, and how far each way is.

-- The consent that a notice to the customer is about; NULL for locks, and for notices of older releases.
ALTER TABLE notices ADD COLUMN grant_id text;
-- WHERE bank = $1 AND grant_id = $2 AND kind = $3.
CREATE INDEX notices_of_grant ON notices (bank, grant_id) WHERE grant_id IS NOT NULL;

-- How far the relay's leader says it has published, at most a second or so behind. For information: what
-- counts is Kafka's own offset topic, which is never read from here.
CREATE TABLE relay_positions (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    published_to bigint      NOT NULL, -- of the log
    told_at      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- Which state an event's own parked row has: WHERE event_id = $1.
CREATE INDEX parked_events_event ON parked_events (event_id);

-- Whether the log has an event at `number` or before. Events carry no number of the log; both stand in the
-- order of commits. Only events older than the log's epoch, which began with a restore, have to be looked
-- for among their partner's.
CREATE FUNCTION is_in_log_up_to(
    number bigint, event uuid, event_transaction xid8, event_position bigint, of_bank text, of_partner text
) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE
            WHEN event_position <= s.position_floor THEN EXISTS (
                SELECT FROM event_log l WHERE l.bank = of_bank AND l.partner = of_partner
                    AND l.global_sequence <= number AND l.event_id = event
                    AND l.aggregate_type NOT IN ('journey', 'contract', 'partner', 'bank'))
            ELSE last.epoch = s.epoch
                AND (event_transaction, event_position) <= (last.transaction_id, last.position)
        END
        FROM sequencer s CROSS JOIN LATERAL (
            SELECT l.epoch, l.transaction_id, l.position FROM event_log l
            WHERE l.global_sequence <= number ORDER BY l.global_sequence DESC LIMIT 1) last), false)
$$;

DO $$
DECLARE
    service text := current_setting('renkei.role_prefix') || '_service';
    auditor text := current_setting('renkei.role_prefix') || '_auditor';
    relay   text := current_setting('renkei.role_prefix') || '_relay';
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON relay_positions TO %I', relay);
    EXECUTE format('GRANT SELECT ON relay_positions TO %I, %I', service, auditor);
    EXECUTE format('GRANT SELECT ON parked_events TO %I', service);
END
$$;
