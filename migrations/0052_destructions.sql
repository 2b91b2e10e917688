-- The end of facts: streams that ended longer ago than the law asks are destroyed, by the owner's role alone
-- and only through here. An act is a row of `destructions`; each of its batches commits with what it destroyed.
CREATE TABLE destructions (
    destruction_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bank         text        NOT NULL,
    -- Streams whose last fact was recorded before this.
    ended_before timestamptz NOT NULL CHECK (isfinite(ended_before)),
    ordered_by   text        NOT NULL CHECK (ordered_by <> ''),
    reason       text        NOT NULL CHECK (reason <> ''),
    begun_at     timestamptz NOT NULL DEFAULT now(),
    -- The last streams that were looked at: where it goes on after an interruption.
    consents_to  text        NOT NULL DEFAULT '',
    journeys_to  text        NOT NULL DEFAULT '',
    completed_at timestamptz
);
-- One act under way at a bank: an interrupted one is resumed, not begun again.
CREATE UNIQUE INDEX destructions_under_way ON destructions (bank) WHERE completed_at IS NULL;

CREATE TABLE destruction_batches (
    destruction_id uuid NOT NULL REFERENCES destructions,
    batch        int         NOT NULL,
    consents     int         NOT NULL,
    journeys     int         NOT NULL,
    events       bigint      NOT NULL,
    other_rows   bigint      NOT NULL, -- projections, evidence, access records, requests, codes, tokens
    -- SHA-256, lower-case hex, of the batch's streams in order, each 'type/id' and a line feed. Who has all
    -- ids of a batch can show that they are it; nobody can read an id from it.
    streams_sha256 text      NOT NULL,
    destroyed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (destruction_id, batch)
);

-- The streams of the batch under way: empty again when it commits.
CREATE TABLE destruction_streams (
    destruction_id uuid NOT NULL REFERENCES destructions,
    aggregate_type text NOT NULL CHECK (aggregate_type IN ('consent', 'journey')),
    aggregate_id   text NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id)
);

-- The criteria of an act stay; how far it got changes.
CREATE FUNCTION refuse_change_of_criteria() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.completed_at IS NOT NULL
        OR (NEW.destruction_id, NEW.bank, NEW.ended_before, NEW.ordered_by, NEW.reason, NEW.begun_at)
        IS DISTINCT FROM (OLD.destruction_id, OLD.bank, OLD.ended_before, OLD.ordered_by, OLD.reason, OLD.begun_at)
    THEN
        RAISE EXCEPTION 'a destruction that was ordered is not changed' USING ERRCODE = 'RK003';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER destructions_keep_criteria BEFORE UPDATE ON destructions
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_criteria();
CREATE TRIGGER destructions_stay BEFORE DELETE ON destructions
    FOR EACH ROW EXECUTE FUNCTION refuse_removal_of_a_record();
CREATE TRIGGER destructions_are_not_truncated BEFORE TRUNCATE ON destructions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal_of_a_record();
CREATE TRIGGER destruction_batches_stay BEFORE UPDATE OR DELETE ON destruction_batches
    FOR EACH ROW EXECUTE FUNCTION refuse_removal_of_a_record();
CREATE TRIGGER destruction_batches_are_not_truncated BEFORE TRUNCATE ON destruction_batches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal_of_a_record();

-- As before, but for two paths, both of the owner of the table alone: events of a stream that the destruction
-- under way in this transaction lists (nobody else may write the list), and acts of operators that are past
-- their time (0053).
CREATE OR REPLACE FUNCTION refuse_change_of_facts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    under_way constant text := coalesce(current_setting('renkei.destruction', true), '');
    removal constant text := coalesce(current_setting('renkei.removal_of_acts', true), '');
BEGIN
    IF TG_OP = 'DELETE' AND under_way || removal <> ''
        AND (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) = current_user
    THEN
        IF TG_TABLE_NAME LIKE 'events%' AND under_way <> '' THEN
            IF EXISTS (SELECT FROM destruction_streams d WHERE d.destruction_id::text = under_way
                AND d.aggregate_type = OLD.aggregate_type AND d.aggregate_id = OLD.aggregate_id) THEN
                RETURN OLD;
            END IF;
        ELSIF TG_TABLE_NAME IN ('operator_acts', 'operator_act_outcomes') AND removal = 'on' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'events are never updated, deleted or truncated' USING ERRCODE = 'RK002';
END
$$;

-- Whether an event's number has left the log. An event that has no number yet lies behind what was archived.
CREATE FUNCTION is_archived(event uuid, at bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT at <= coalesce((SELECT max(last_position) FROM event_log_archives), 0)
        AND NOT EXISTS (SELECT FROM event_log l WHERE l.position = at AND l.event_id = event)
$$;

-- What stands against the destruction of a stream, looked at as a whole; NULL: nothing.
CREATE FUNCTION against_destruction(kind text, stream text, ended_before timestamptz) RETURNS text
    LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN bool_or(EXISTS (SELECT FROM legal_holds h WHERE h.bank = split_part(stream, ':', 1)
            AND h.lifted_at IS NULL AND (h.contract = e.contract OR h.partner = e.partner
                OR (kind = 'consent' AND h.grant_id = split_part(stream, ':', 2))))) THEN 'held'
        WHEN max(e.recorded_at) >= ended_before THEN 'too_young'
        WHEN NOT bool_and(is_archived(e.event_id, e.position)) THEN 'not_archived'
    END
    FROM events e WHERE e.aggregate_type = kind AND e.aggregate_id = stream
$$;

-- The journeys that made or changed a consent.
CREATE FUNCTION journeys_of_consent(stream text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT split_part(stream, ':', 1) || ':' || (fact.value ->> 'journey')
    FROM events e,
        json_each(CASE json_typeof(e.payload) WHEN 'object' THEN e.payload ELSE '{}' END) fact
    WHERE e.aggregate_type = 'consent' AND e.aggregate_id = stream AND fact.value ->> 'journey' IS NOT NULL
$$;

-- The next consents of a bank that have ended, at most so many, and what stands against their destruction.
CREATE FUNCTION ended_consents(of_bank text, ended_before timestamptz, after_stream text, most int)
    RETURNS TABLE (stream text, against text) LANGUAGE sql STABLE AS $$
    SELECT c.stream_id, coalesce(against_destruction('consent', c.stream_id, ended_before),
        (SELECT against_destruction('journey', j, ended_before) AS why FROM journeys_of_consent(c.stream_id) j
         ORDER BY why NULLS LAST LIMIT 1))
    FROM consent_current c
    WHERE c.bank = of_bank AND c.status NOT IN ('absent', 'live') AND c.stream_id > after_stream
    ORDER BY c.stream_id LIMIT most
$$;
-- Its walk: WHERE bank = $1 AND stream_id > $2 AND status NOT IN ('absent', 'live') ORDER BY stream_id.
CREATE INDEX consent_current_ended ON consent_current (bank, stream_id) WHERE status NOT IN ('absent', 'live');

-- The next journeys of a bank, at most so many. `against` is NULL where one ended without a consent and may be
-- destroyed by itself; one with a consent goes with it.
CREATE FUNCTION unfinished_journeys(of_bank text, ended_before timestamptz, after_stream text, most int)
    RETURNS TABLE (stream text, against text) LANGUAGE sql STABLE AS $$
    SELECT j.aggregate_id, CASE last.event_type
        WHEN 'AccessAuthorized' THEN 'has_consent'
        ELSE CASE WHEN last.event_type IN ('AccessDeclined', 'JourneyCancelled', 'JourneyTimedOut', 'JourneyFailed')
            THEN against_destruction('journey', j.aggregate_id, ended_before) ELSE 'in_progress' END
        END
    FROM (SELECT e.aggregate_id FROM events e
          WHERE e.aggregate_type = 'journey' AND e.sequence = 1
            AND e.aggregate_id > greatest(after_stream, of_bank || ':')
            AND split_part(e.aggregate_id, ':', 1) = of_bank
          ORDER BY e.aggregate_id LIMIT most) j,
    LATERAL (SELECT e.event_type FROM events e
             WHERE e.aggregate_type = 'journey' AND e.aggregate_id = j.aggregate_id
             ORDER BY e.sequence DESC LIMIT 1) last
$$;

-- Deletes the rows of a table that belong to the streams of the batch under way; gives how many.
CREATE FUNCTION destroy_rows(act uuid, of_table text, condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE deleted bigint;
BEGIN
    EXECUTE format('DELETE FROM %I t USING (
            SELECT aggregate_type, aggregate_id, split_part(aggregate_id, '':'', 1) AS bank,
                split_part(aggregate_id, '':'', 2) AS id FROM destruction_streams WHERE destruction_id = $1) s
        WHERE %s', of_table, condition) USING act;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

-- One batch of an act: looks at the next streams, at most `most` of each kind, and destroys those against which
-- nothing stands, with everything that is theirs, in the caller's transaction. Done: nothing is left to look at.
CREATE FUNCTION destroy_batch(act uuid, most int)
    RETURNS TABLE (consents int, journeys int, events bigint, other_rows bigint, done boolean)
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    d destructions;
    looked_at text[];
    walked text[];
    ids uuid[];
    n_consents int; n_journeys int; n_events bigint; n_rows bigint := 0; n_digest text;
BEGIN
    -- In this order: whoever places a hold waits for this, or this for them, and then sees the hold.
    PERFORM share_removals();
    SELECT * INTO STRICT d FROM destructions WHERE destruction_id = act FOR UPDATE;
    IF d.completed_at IS NOT NULL THEN
        RETURN QUERY SELECT 0, 0, 0::bigint, 0::bigint, true;
        RETURN;
    END IF;
    IF d.ended_before > now() - interval '1 year' THEN
        RAISE EXCEPTION 'what ended within a year is never destroyed' USING ERRCODE = 'RK003';
    END IF;
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

    SELECT count(*) FILTER (WHERE aggregate_type = 'consent'), count(*) FILTER (WHERE aggregate_type = 'journey'),
        encode(sha256(convert_to(coalesce(string_agg(aggregate_type || '/' || aggregate_id || E'\n', ''
            ORDER BY aggregate_type, aggregate_id COLLATE "C"), ''), 'UTF8')), 'hex')
        INTO n_consents, n_journeys, n_digest FROM destruction_streams WHERE destruction_id = act;
    n_rows := n_rows
        + destroy_rows(act, 'evidence_records', 't.bank = s.bank AND t.journey_id = s.id AND s.aggregate_type = ''journey''')
        + destroy_rows(act, 'pushed_requests', 't.bank = s.bank AND t.journey_id = s.id AND s.aggregate_type = ''journey''')
        + destroy_rows(act, 'authorization_codes', 't.bank = s.bank AND t.journey_id = s.id AND s.aggregate_type = ''journey''')
        + destroy_rows(act, 'bank_sessions', 't.bank = s.bank AND t.journey_id = s.id AND s.aggregate_type = ''journey''')
        + destroy_rows(act, 'notices', 't.bank = s.bank AND t.grant_id = s.id AND s.aggregate_type = ''consent''')
        + destroy_rows(act, 'issued_access_tokens', 't.bank = s.bank AND t.grant_id = s.id AND s.aggregate_type = ''consent''')
        + destroy_rows(act, 'refresh_tokens', 't.bank = s.bank AND t.grant_id = s.id AND s.aggregate_type = ''consent''')
        + destroy_rows(act, 'access_totals', 't.bank = s.bank AND t.grant_id = s.id AND s.aggregate_type = ''consent''')
        + destroy_rows(act, 'access_records', 't.bank = s.bank AND t.grant_id = s.id AND s.aggregate_type = ''consent''')
        + destroy_rows(act, 'parked_events', 't.aggregate_type = s.aggregate_type AND t.aggregate_id = s.aggregate_id')
        + destroy_rows(act, 'journey_current', 't.stream_id = s.aggregate_id AND s.aggregate_type = ''journey''')
        + destroy_rows(act, 'consent_current', 't.stream_id = s.aggregate_id AND s.aggregate_type = ''consent''');

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

    IF n_consents + n_journeys > 0 THEN
        INSERT INTO destruction_batches (destruction_id, batch, consents, journeys, events, other_rows, streams_sha256)
        SELECT act, 1 + coalesce(max(batch), 0), n_consents, n_journeys, n_events, n_rows, n_digest
        FROM destruction_batches WHERE destruction_id = act;
    END IF;
    UPDATE destructions SET consents_to = coalesce(looked_at[cardinality(looked_at)], consents_to),
        journeys_to = coalesce(walked[cardinality(walked)], journeys_to),
        completed_at = CASE WHEN looked_at IS NULL AND walked IS NULL THEN now() END
    WHERE destruction_id = act;
    RETURN QUERY SELECT n_consents, n_journeys, n_events, n_rows, looked_at IS NULL AND walked IS NULL;
END
$$;
REVOKE ALL ON FUNCTION destroy_batch(uuid, int), destroy_rows(uuid, text, text) FROM PUBLIC;

DO $$
DECLARE auditor text := current_setting('renkei.role_prefix') || '_auditor';
BEGIN
    EXECUTE format('GRANT SELECT ON destructions, destruction_batches TO %I', auditor);
END
$$;
