-- What operators search by: words and times beside the state, generated from it, so that a rebuild brings them
-- along, and indexes that hold each search's rows in the order in which they are given.

-- A consent's place in a search: `live`, `suspended` (by a cause of its own), `expired`, `superseded`, or
-- `revoked:` and the reason. A reason that is not known here reads as `other`, as in the service.
CREATE FUNCTION consent_word(state jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE state ->> 'status'
        WHEN 'live' THEN CASE WHEN coalesce(state -> 'suspended', '[]') = '[]' THEN 'live' ELSE 'suspended' END
        WHEN 'revoked' THEN 'revoked:' || CASE WHEN state ->> 'reason' IN ('no_longer_needed',
            'customer_request', 'linked_by_mistake', 'fraud', 'service_ended', 'partner_left',
            'contract_closed', 'no_account_left', 'user_removed', 'password_changed',
            'certificate_changed', 'legal_order') THEN state ->> 'reason' ELSE 'other' END
        ELSE state ->> 'status'
    END
$$;

-- `<bank>:<account>` for each account that a consent covers, or covered last.
CREATE FUNCTION consent_accounts(stream_id text, state jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT split_part(stream_id, ':', 1) || ':' || (pair ->> 'account')), '{}')
    FROM jsonb_array_elements(state #> '{terms,scope}') AS pair
$$;

ALTER TABLE consent_current
    ADD COLUMN word text GENERATED ALWAYS AS (consent_word(state)) STORED,
    ADD COLUMN accounts text[] GENERATED ALWAYS AS (consent_accounts(stream_id, state)) STORED,
    -- When it ends or ended: by the clock, or when its end was recorded.
    ADD COLUMN ends_at timestamptz GENERATED ALWAYS AS (
        CASE WHEN state ->> 'status' IN ('live', 'expired') THEN utc_instant(state #>> '{terms,valid_until}')
            ELSE changed_at END) STORED;

-- … WHERE bank = $1 ORDER BY began_at DESC, stream_id DESC (all of a bank)
CREATE INDEX consent_current_began ON consent_current (bank, began_at, stream_id);
-- … AND partner = $2
CREATE INDEX consent_current_began_partner ON consent_current (bank, partner, began_at, stream_id);
-- … AND contract = $2
CREATE INDEX consent_current_began_contract ON consent_current (bank, contract, began_at, stream_id);
-- … WHERE bank = $1 AND word = $2 ORDER BY ends_at DESC, stream_id DESC (by status and reason)
CREATE INDEX consent_current_ends ON consent_current (bank, word, ends_at, stream_id);
-- … AND partner = $3
CREATE INDEX consent_current_ends_partner ON consent_current (bank, partner, word, ends_at, stream_id);
-- … WHERE accounts @> ARRAY[$1] (by account)
CREATE INDEX consent_current_accounts ON consent_current USING gin (accounts);

-- A journey's place in a search: `in_progress`, `authorized`, `declined`, or how it ended, a colon, and where.
-- It does not change from step to step, so that the indexes don't either.
CREATE FUNCTION journey_word(state jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN state ->> 'status' = 'ended'
        THEN concat_ws(':', state #>> '{end,end}', state #>> '{end,step}')
        ELSE state ->> 'status' END
$$;

ALTER TABLE journey_current
    ADD COLUMN bank text GENERATED ALWAYS AS (split_part(stream_id, ':', 1)) STORED,
    ADD COLUMN partner text GENERATED ALWAYS AS (state #>> '{request,partner}') STORED,
    ADD COLUMN word text GENERATED ALWAYS AS (journey_word(state)) STORED;

-- … WHERE bank = $1 ORDER BY began_at DESC, stream_id DESC (all of a bank)
CREATE INDEX journey_current_began ON journey_current (bank, began_at, stream_id);
-- … AND partner = $2
CREATE INDEX journey_current_began_partner ON journey_current (bank, partner, began_at, stream_id);
-- … AND word = $2 (by status and stage)
CREATE INDEX journey_current_word ON journey_current (bank, word, began_at, stream_id);
-- … AND partner = $2 AND word = $3
CREATE INDEX journey_current_word_partner ON journey_current (bank, partner, word, began_at, stream_id);
