-- The end of a contract's facts: of one that the bank closed so long ago, once nothing else of it is here. By the act
-- that destroys consents and journeys (0052), after them. A contract that is not closed stays.

ALTER TABLE destructions
    ADD COLUMN closed_before timestamptz CHECK (isfinite(closed_before)), -- contracts; NULL: an act of before
    ADD COLUMN contracts_to text NOT NULL DEFAULT '';
ALTER TABLE destruction_batches ADD COLUMN contracts int NOT NULL DEFAULT 0;
ALTER TABLE destruction_streams DROP CONSTRAINT destruction_streams_aggregate_type_check,
    ADD CHECK (aggregate_type IN ('consent', 'journey', 'contract'));

CREATE OR REPLACE FUNCTION refuse_change_of_criteria() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.completed_at IS NOT NULL
        OR (NEW.destruction_id, NEW.bank, NEW.ended_before, NEW.closed_before, NEW.ordered_by, NEW.reason,
            NEW.begun_at)
        IS DISTINCT FROM (OLD.destruction_id, OLD.bank, OLD.ended_before, OLD.closed_before, OLD.ordered_by,
            OLD.reason, OLD.begun_at)
    THEN
        RAISE EXCEPTION 'a destruction that was ordered is not changed' USING ERRCODE = 'RK003';
    END IF;
    RETURN NEW;
END
$$;

-- As before; and a contract's own facts are held with it, whoever wrote them.
CREATE OR REPLACE FUNCTION against_destruction(kind text, stream text, ended_before timestamptz) RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN bool_or(EXISTS (SELECT FROM legal_holds h WHERE h.bank = split_part(stream, ':', 1)
            AND h.lifted_at IS NULL AND (h.contract = e.contract OR h.partner = e.partner
                OR (kind = 'consent' AND h.grant_id = split_part(stream, ':', 2))
                OR (kind = 'contract' AND h.contract = split_part(stream, ':', 2))))) THEN 'held'
        WHEN max(e.recorded_at) >= ended_before THEN 'too_young'
        WHEN NOT bool_and(is_archived(e.event_id, e.position)) THEN 'not_archived'
    END
    FROM events e WHERE e.aggregate_type = kind AND e.aggregate_id = stream
$$;

-- The next contracts of a bank that it closed, at most so many, and what stands against their destruction: against
-- their own, or that of a consent or journey of theirs, which go before. `alone`: those are gone. (Its index: 0061.)
CREATE FUNCTION closed_contracts(
    of_bank text, closed_before timestamptz, ended_before timestamptz, after_stream text, most int
) RETURNS TABLE (stream text, against text, alone boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
    looked_at text[];
    due text[];
BEGIN
    SELECT array_agg(c.stream_id), array_agg(split_part(c.stream_id, ':', 2)) FILTER (WHERE c.own IS NULL)
        INTO looked_at, due
    FROM (SELECT k.stream_id, against_destruction('contract', k.stream_id, closed_before) AS own
        FROM contract_current k
        WHERE split_part(k.stream_id, ':', 1) = of_bank AND k.stream_id > after_stream AND k.standing = 'ended'
        ORDER BY k.stream_id LIMIT most) c;
    RETURN QUERY
    WITH journeys AS (
        -- Which journeys logged in to them is in the facts alone, under no index: one look through them per
        -- call, and none where nothing is due.
        SELECT e.contract, e.aggregate_id AS journey FROM events e
        WHERE due IS NOT NULL AND e.aggregate_type = 'journey' AND e.event_type = 'LoginSucceeded'
          AND e.bank = of_bank AND e.contract = ANY (due)
    ), of_contract AS (
        SELECT c.contract, CASE WHEN c.status IN ('absent', 'live') THEN 'in_use' ELSE coalesce(
            against_destruction('consent', c.stream_id, ended_before),
            (SELECT against_destruction('journey', j, ended_before) AS why FROM journeys_of_consent(c.stream_id) j
             ORDER BY why NULLS LAST LIMIT 1)) END AS why
        FROM consent_current c WHERE due IS NOT NULL AND c.bank = of_bank AND c.contract = ANY (due)
        UNION ALL
        SELECT j.contract, CASE
            WHEN last.event_type IN ('AccessAuthorized', 'AccessDeclined', 'JourneyCancelled', 'JourneyTimedOut',
                'JourneyFailed') THEN against_destruction('journey', j.journey, ended_before)
            ELSE 'in_use' END
        FROM journeys j, LATERAL (SELECT e.event_type FROM events e
            WHERE e.aggregate_type = 'journey' AND e.aggregate_id = j.journey
            ORDER BY e.sequence DESC LIMIT 1) last
    ), summed AS (
        SELECT o.contract, min(o.why) AS why FROM of_contract o GROUP BY o.contract
    )
    SELECT l.id, coalesce(against_destruction('contract', l.id, closed_before), s.why), s.contract IS NULL
    FROM unnest(looked_at) AS l (id) LEFT JOIN summed s ON s.contract = split_part(l.id, ':', 2)
    ORDER BY l.id;
END
$$;

-- As before, with the contracts last: what is theirs may go once it is known what of their consents and journeys
-- is gone.
DROP FUNCTION destroy_batch(uuid, int);
CREATE FUNCTION destroy_batch(act uuid, most int)
    RETURNS TABLE (consents int, journeys int, contracts int, events bigint, other_rows bigint, done boolean)
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    d destructions;
    looked_at text[];
    walked text[];
    closed text[];
    ids uuid[];
    n_consents int; n_journeys int; n_contracts int; n_events bigint; n_rows bigint := 0; n_digest text;
    of_journey constant text := 't.bank = s.bank AND t.journey_id = s.id AND s.aggregate_type = ''journey''';
    of_consent constant text := 't.bank = s.bank AND t.grant_id = s.id AND s.aggregate_type = ''consent''';
    of_contract constant text := 't.bank = s.bank AND t.contract = s.id AND s.aggregate_type = ''contract''';
    -- A PIN's counter is the contract's; a login's is nobody's by name.
    of_pins constant text := 't.bank = s.bank AND t.kind = ''pin'' AND split_part(t.guess_scope, '':'', 1) = s.id'
        || ' AND s.aggregate_type = ''contract''';
BEGIN
    -- In this order: whoever places a hold waits for this, or this for them, and then sees the hold.
    PERFORM share_removals();
    SELECT * INTO STRICT d FROM destructions WHERE destruction_id = act FOR UPDATE;
    IF d.completed_at IS NOT NULL THEN
        RETURN QUERY SELECT 0, 0, 0, 0::bigint, 0::bigint, true;
        RETURN;
    END IF;
    IF greatest(d.ended_before, d.closed_before) > now() - interval '1 year' THEN
        RAISE EXCEPTION 'what ended within a year is never destroyed' USING ERRCODE = 'RK003';
    END IF;
    -- Once contracts are looked through, the others are: nothing of theirs is read again for each batch.
    IF d.contracts_to = '' THEN
        WITH looked AS MATERIALIZED (
            SELECT * FROM ended_consents(d.bank, d.ended_before, d.consents_to, most)
        ), due AS (
            INSERT INTO destruction_streams SELECT act, 'consent', stream FROM looked WHERE against IS NULL
        )
        SELECT array_agg(stream ORDER BY stream) INTO looked_at FROM looked;
        INSERT INTO destruction_streams SELECT DISTINCT act, 'journey', journey
            FROM destruction_streams s, journeys_of_consent(s.aggregate_id) journey
            WHERE s.destruction_id = act AND s.aggregate_type = 'consent';
        WITH looked AS MATERIALIZED (
            SELECT * FROM unfinished_journeys(d.bank, d.ended_before, d.journeys_to, most)
        ), due AS (
            INSERT INTO destruction_streams SELECT act, 'journey', stream FROM looked WHERE against IS NULL
            ON CONFLICT DO NOTHING
        )
        SELECT array_agg(stream ORDER BY stream) INTO walked FROM looked;
    END IF;
    IF looked_at IS NULL AND walked IS NULL AND d.closed_before IS NOT NULL THEN
        WITH looked AS MATERIALIZED (
            SELECT * FROM closed_contracts(d.bank, d.closed_before, d.ended_before, d.contracts_to, most)
        ), due AS (
            INSERT INTO destruction_streams SELECT act, 'contract', stream FROM looked
            WHERE against IS NULL AND alone
        )
        SELECT array_agg(stream ORDER BY stream) INTO closed FROM looked;
        -- A bank may still tell something of it. Nobody adds a fact while its row is taken, and what came before
        -- that is looked at with a snapshot of then.
        PERFORM FROM contract_current c JOIN destruction_streams s
            ON s.destruction_id = act AND s.aggregate_type = 'contract' AND s.aggregate_id = c.stream_id
            ORDER BY c.stream_id FOR UPDATE OF c;
        DELETE FROM destruction_streams s WHERE s.destruction_id = act AND s.aggregate_type = 'contract'
            AND against_destruction('contract', s.aggregate_id, d.closed_before) IS NOT NULL;
    END IF;

    SELECT count(*) FILTER (WHERE aggregate_type = 'consent'), count(*) FILTER (WHERE aggregate_type = 'journey'),
        count(*) FILTER (WHERE aggregate_type = 'contract'),
        encode(sha256(convert_to(coalesce(string_agg(aggregate_type || '/' || aggregate_id || E'\n', ''
            ORDER BY aggregate_type, aggregate_id COLLATE "C"), ''), 'UTF8')), 'hex')
        INTO n_consents, n_journeys, n_contracts, n_digest FROM destruction_streams WHERE destruction_id = act;
    n_rows := n_rows
        + destroy_rows(act, 'evidence_records', of_journey)
        + destroy_rows(act, 'pushed_requests', of_journey)
        + destroy_rows(act, 'authorization_codes', of_journey)
        + destroy_rows(act, 'bank_sessions', of_journey)
        + destroy_rows(act, 'notices', of_consent)
        + destroy_rows(act, 'issued_access_tokens', of_consent)
        + destroy_rows(act, 'refresh_tokens', of_consent)
        + destroy_rows(act, 'access_totals', of_consent)
        + destroy_rows(act, 'access_records', of_consent)
        + destroy_rows(act, 'parked_events', 't.aggregate_type = s.aggregate_type AND t.aggregate_id = s.aggregate_id')
        + destroy_rows(act, 'journey_current', 't.stream_id = s.aggregate_id AND s.aggregate_type = ''journey''')
        + destroy_rows(act, 'consent_current', 't.stream_id = s.aggregate_id AND s.aggregate_type = ''consent''');
    IF n_contracts > 0 THEN
        n_rows := n_rows
            + destroy_rows(act, 'notices', of_contract)
            + destroy_rows(act, 'bank_sessions', of_contract)
            + destroy_rows(act, 'customer_sessions', of_contract)
            + destroy_rows(act, 'guesses', of_pins)
            + destroy_rows(act, 'guess_counters', of_pins)
            + destroy_rows(act, 'contract_current', 't.stream_id = s.aggregate_id AND s.aggregate_type = ''contract''');
        -- What the bank said of it is forgotten, and its ids stay known (0057).
        UPDATE bank_notices n SET contract = NULL, content = NULL, occurred_at = NULL, concerned = NULL,
            effected_at = coalesce(effected_at, now()),
            content_sha256 = bank_notice_sha256(n.bank, n.notice_id, n.contract, n.content, n.occurred_at)
        FROM destruction_streams s
        WHERE s.destruction_id = act AND s.aggregate_type = 'contract'
          AND n.bank = d.bank AND n.contract = split_part(s.aggregate_id, ':', 2) AND n.content_sha256 IS NULL;
    END IF;

    PERFORM set_config('renkei.destruction', act::text, true);
    WITH gone AS (
        DELETE FROM events e USING destruction_streams s
        WHERE s.destruction_id = act AND e.aggregate_type = s.aggregate_type AND e.aggregate_id = s.aggregate_id
        RETURNING e.event_id
    )
    SELECT array_agg(event_id), count(*) INTO ids, n_events FROM gone;
    PERFORM set_config('renkei.destruction', '', true);
    DELETE FROM refused_events WHERE bank = d.bank AND jti = ANY(ids);
    DELETE FROM destruction_streams WHERE destruction_id = act;

    IF n_consents + n_journeys + n_contracts > 0 THEN
        INSERT INTO destruction_batches
            (destruction_id, batch, consents, journeys, contracts, events, other_rows, streams_sha256)
        SELECT act, 1 + coalesce(max(batch), 0), n_consents, n_journeys, n_contracts, n_events, n_rows, n_digest
        FROM destruction_batches WHERE destruction_id = act;
    END IF;
    UPDATE destructions SET consents_to = coalesce(looked_at[cardinality(looked_at)], consents_to),
        journeys_to = coalesce(walked[cardinality(walked)], journeys_to),
        contracts_to = coalesce(closed[cardinality(closed)], contracts_to),
        completed_at = CASE WHEN looked_at IS NULL AND walked IS NULL AND closed IS NULL THEN now() END
    WHERE destruction_id = act;
    RETURN QUERY SELECT n_consents, n_journeys, n_contracts, n_events, n_rows,
        looked_at IS NULL AND walked IS NULL AND closed IS NULL;
END
$$;
REVOKE ALL ON FUNCTION destroy_batch(uuid, int) FROM PUBLIC;
