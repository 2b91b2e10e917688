-- What has no use any more leaves; docs/retention.md lists every table.

-- A journey that ended without a consent. Its row is a copy of what its events say, and may leave.
CREATE FUNCTION is_unfinished_journey(state jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT state ->> 'status' = 'ended' AND state #>> '{end,end}' IS DISTINCT FROM 'authorized'
$$;
-- For the sweeper: rows to leave, by the time at which the journey was over at the latest.
CREATE INDEX journey_current_unfinished ON journey_current (ends_at) WHERE is_unfinished_journey(state);

-- Removes rows of journeys that ended without a consent so long ago; gives how many. The service's role may
-- delete none by itself: whatever it is made to do, a journey in progress or with a consent keeps its row.
CREATE FUNCTION remove_unfinished_journeys(kept interval, most int) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE removed int;
BEGIN
    IF kept < interval '1 day' THEN
        RAISE EXCEPTION 'rows of unfinished journeys are kept for a day at least' USING ERRCODE = 'RK003';
    END IF;
    WITH due AS (
        SELECT stream_id FROM journey_current
        WHERE is_unfinished_journey(state) AND ends_at < now() - kept
        ORDER BY ends_at LIMIT most FOR UPDATE SKIP LOCKED
    )
    DELETE FROM journey_current j USING due WHERE j.stream_id = due.stream_id;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
REVOKE ALL ON FUNCTION remove_unfinished_journeys(interval, int) FROM PUBLIC;

-- For the sweeper: notices that were sent, refresh tokens of grants that may have ended, events that a
-- partner never acknowledged, and refusals.
CREATE INDEX notices_sent ON notices (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX refresh_tokens_issued_at ON refresh_tokens (issued_at);
CREATE INDEX unacknowledged_events_by_age ON unacknowledged_events (handed_out_at);
CREATE INDEX refused_events_by_age ON refused_events (refused_at);

DO $$
DECLARE service text := current_setting('renkei.role_prefix') || '_service';
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION remove_unfinished_journeys(interval, int) TO %I', service);
    EXECUTE format('GRANT DELETE ON refused_events TO %I', service);
END
$$;
