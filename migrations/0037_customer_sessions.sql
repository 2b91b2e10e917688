-- Bank sessions of 「API連携の確認・解除」: a customer's own, of no journey. The cookie's SHA-256, never
-- the cookie; `names_sealed` as in `bank_sessions`. Not derived: a rebuild leaves it alone. A row is also
-- the record of one login outside a journey, kept 30 days: who, when, by which of the bank's attempts.
CREATE TABLE customer_sessions (
    session_hash bytea PRIMARY KEY,
    bank         text        NOT NULL,
    contract     text        NOT NULL,
    bank_user    text        NOT NULL,
    role         text        NOT NULL CHECK (role IN ('master', 'general')), -- as the bank said at login
    attempt_id   uuid        NOT NULL, -- the bank's attempt; causation of what is done in the session
    names_sealed bytea       NOT NULL,
    idle_seconds int         NOT NULL, -- the bank's setting at login
    login_at     timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz           -- NULL while nobody has logged out
);
-- For the sweeper: sessions to be forgotten.
CREATE INDEX customer_sessions_by_age ON customer_sessions (login_at);

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON customer_sessions TO %I',
        prefix || '_service');
    EXECUTE format(
        'GRANT SELECT (bank, contract, bank_user, role, attempt_id, login_at, last_seen_at, ended_at)'
        || ' ON customer_sessions TO %I', prefix || '_auditor');
END
$$;
