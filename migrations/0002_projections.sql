-- The authoritative projections: one row per stream, written in the statement that appends its
-- events. `state` is the fold of the stream; every other column is generated from it, so that a
-- rebuild is the fold and nothing else. `state_version` tells which release's fold wrote it.

-- An instant written with its offset reads the same in every session, so this may be immutable.
CREATE FUNCTION utc_instant(text) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1::timestamptz';

CREATE TABLE journey_current (
    stream_id     text PRIMARY KEY,
    version       bigint NOT NULL,
    state_version int    NOT NULL,
    state         jsonb  NOT NULL,
    status        text GENERATED ALWAYS AS (state ->> 'status') STORED,
    ends_at       timestamptz GENERATED ALWAYS AS (utc_instant(state #>> '{request,ends_at}')) STORED
);
-- For the sweeper: journeys in progress past their time.
CREATE INDEX journey_current_open ON journey_current (ends_at) WHERE status = 'in_progress';

CREATE TABLE consent_current (
    stream_id     text PRIMARY KEY,
    version       bigint NOT NULL,
    state_version int    NOT NULL,
    state         jsonb  NOT NULL,
    status        text GENERATED ALWAYS AS (state ->> 'status') STORED,
    bank          text GENERATED ALWAYS AS (split_part(stream_id, ':', 1)) STORED,
    contract      text GENERATED ALWAYS AS (state #>> '{terms,contract}') STORED,
    client        text GENERATED ALWAYS AS (state #>> '{terms,client}') STORED,
    partner       text GENERATED ALWAYS AS (state #>> '{terms,partner}') STORED,
    place         text GENERATED ALWAYS AS (state ->> 'place') STORED,
    valid_until   timestamptz GENERATED ALWAYS AS (utc_instant(state #>> '{terms,valid_until}')) STORED
);
-- For a login: the live linkages of a contract, with one client or with all.
CREATE INDEX consent_current_live ON consent_current (bank, contract, client) WHERE status = 'live';
-- For the sweeper: live consents past their time. (The clock has ended them already.)
CREATE INDEX consent_current_ending ON consent_current (valid_until) WHERE status = 'live';
-- Two journeys side by side can't both make the pair's one linkage. A consent whose time has passed
-- holds the place until the sweeper, or the journey that meets it, records the end.
CREATE UNIQUE INDEX consent_current_one_default ON consent_current (bank, contract, client)
    WHERE status = 'live' AND place = 'default';

CREATE TABLE contract_current (
    stream_id     text PRIMARY KEY,
    version       bigint NOT NULL,
    state_version int    NOT NULL,
    state         jsonb  NOT NULL
);

CREATE TABLE partner_current (
    stream_id     text PRIMARY KEY,
    version       bigint NOT NULL,
    state_version int    NOT NULL,
    state         jsonb  NOT NULL,
    client        text GENERATED ALWAYS AS (state #>> '{record,client_id}') STORED
);
-- For client authentication; a client id belongs to one partner.
CREATE UNIQUE INDEX partner_current_client ON partner_current (client);

CREATE TABLE partner_at_bank_current (
    stream_id     text PRIMARY KEY,
    version       bigint NOT NULL,
    state_version int    NOT NULL,
    state         jsonb  NOT NULL,
    status        text GENERATED ALWAYS AS (state ->> 'status') STORED
);

CREATE TABLE bank_current (
    stream_id     text PRIMARY KEY,
    version       bigint NOT NULL,
    state_version int    NOT NULL,
    state         jsonb  NOT NULL
);

DO $$
DECLARE
    prefix text := current_setting('renkei.role_prefix');
    tables text := 'journey_current, consent_current, contract_current, partner_current,'
        || ' partner_at_bank_current, bank_current';
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %s TO %I', tables, prefix || '_service');
    EXECUTE format('GRANT SELECT ON %s TO %I', tables, prefix || '_auditor');
END
$$;
