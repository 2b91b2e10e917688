-- Security Event Tokens (RFC 8417) of the feed's events: what was handed out and to where they go. The
-- tokens themselves are stored nowhere; they are made of the log's events when they are given.

-- How far a partner's events were handed out by polling (RFC 8936).
CREATE TABLE event_polls (
    bank          text NOT NULL,
    partner       text NOT NULL,
    -- Of the log: what is after it was never handed out.
    handed_out_to bigint NOT NULL DEFAULT 0,
    -- Serialises polls of one partner, on whatever replicas: SELECT … WHERE bank = $1 AND partner = $2
    -- FOR UPDATE.
    PRIMARY KEY (bank, partner)
);

-- Handed out and not acknowledged: they are handed out again.
CREATE TABLE unacknowledged_events (
    bank            text NOT NULL,
    partner         text NOT NULL,
    global_sequence bigint NOT NULL,
    jti             uuid NOT NULL, -- the event's id
    handed_out_at   timestamptz NOT NULL DEFAULT now(),
    -- SELECT … WHERE bank = $1 AND partner = $2 ORDER BY global_sequence LIMIT $3 (a poll).
    PRIMARY KEY (bank, partner, global_sequence)
);
-- DELETE … WHERE bank = $1 AND partner = $2 AND jti = ANY($3) (acknowledgements).
CREATE UNIQUE INDEX unacknowledged_events_jti ON unacknowledged_events (bank, partner, jti);

-- What partners refused, by polling (setErrs) or when it was pushed: for the platform's operators.
CREATE TABLE refused_events (
    bank        text NOT NULL,
    partner     text NOT NULL,
    delivery    text NOT NULL CHECK (delivery IN ('poll', 'push')),
    jti         uuid NOT NULL,
    error       text NOT NULL,  -- as the partner named it; letters, digits and _
    description text NOT NULL,  -- as the partner wrote it; at most 500 characters
    refused_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bank, partner, delivery, jti)
);

-- Where a partner's events are pushed (RFC 8935), registered by operators only.
CREATE TABLE push_targets (
    bank                 text NOT NULL,
    partner              text NOT NULL,
    client_id            text NOT NULL,
    url                  text NOT NULL,
    -- The Authorization header, wrapped by the key-encryption key; NULL: none is sent.
    authorization_wrapped bytea,
    authorization_nonce   bytea CHECK (octet_length(authorization_nonce) = 12),
    set_by               text NOT NULL,
    set_at               timestamptz NOT NULL DEFAULT now(),
    -- Of the log: everything of the partner up to here was taken, or set aside.
    delivered_to         bigint NOT NULL,
    delivered_at         timestamptz,
    -- Who delivers now, until when: one replica at a time.
    lease                uuid,
    leased_until         timestamptz NOT NULL DEFAULT '-infinity',
    -- Failures in a row of the event after delivered_to.
    failures             int NOT NULL DEFAULT 0,
    -- Of them, how often that event was refused with an error about itself.
    refusals             int NOT NULL DEFAULT 0,
    next_attempt_at      timestamptz NOT NULL DEFAULT '-infinity',
    last_failure         text, -- in our words, never the receiver's
    failed_at            timestamptz,
    PRIMARY KEY (bank, partner),
    CHECK ((authorization_wrapped IS NULL) = (authorization_nonce IS NULL))
);

-- Who set and removed targets. Written with the change, never changed.
CREATE TABLE push_target_acts (
    act_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank     text NOT NULL,
    partner  text NOT NULL,
    act      text NOT NULL CHECK (act IN ('set', 'removed')),
    url      text NOT NULL,
    operator text NOT NULL,
    acted_at timestamptz NOT NULL DEFAULT now()
);

DO $$
DECLARE
    service text := current_setting('renkei.role_prefix') || '_service';
    auditor text := current_setting('renkei.role_prefix') || '_auditor';
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON event_polls TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON unacknowledged_events TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT ON refused_events, push_target_acts TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON push_targets TO %I', service);
    EXECUTE format(
        'GRANT SELECT ON event_polls, unacknowledged_events, refused_events, push_target_acts TO %I', auditor);
    EXECUTE format(
        'GRANT SELECT (bank, partner, client_id, url, set_by, set_at, delivered_to, delivered_at, failures, '
        'next_attempt_at, last_failure, failed_at) ON push_targets TO %I', auditor);
END $$;
