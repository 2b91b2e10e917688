-- What the journey's pages need beside the facts. None of these tables is derived: a rebuild leaves
-- them alone.

-- Outcomes of commands by their key (a form's, or an idempotency key): a repeat gets the first
-- outcome. `content_mac` is keyed: a digest of a form with a 4-digit PIN could be guessed.
CREATE TABLE command_keys (
    bank        text        NOT NULL,
    command_key text        NOT NULL,
    content_mac bytea       NOT NULL,
    outcome     text        NOT NULL, -- where the answer led, a path of this service
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bank, command_key)
);
-- For the sweeper: keys old enough to forget.
CREATE INDEX command_keys_by_age ON command_keys (recorded_at);

-- Bank sessions: the cookie's SHA-256, never the cookie. `names_sealed` holds the login name and the
-- name of the 団体 for showing, encrypted under a key that only the cookie gives.
CREATE TABLE bank_sessions (
    session_hash bytea PRIMARY KEY,
    bank         text        NOT NULL,
    journey_id   text        NOT NULL,
    generation   int         NOT NULL, -- counts the logins of a journey, from 1
    contract     text        NOT NULL,
    bank_user    text        NOT NULL,
    names_sealed bytea       NOT NULL,
    idle_seconds int         NOT NULL,
    login_at     timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    end_reason   text
);
-- One login wins each generation: two browsers can't both be the first.
CREATE UNIQUE INDEX bank_sessions_generation ON bank_sessions (bank, journey_id, generation);

-- How many guesses of a password or a PIN are wrong in a row or under way, per scope. A login's scope
-- is a keyed digest of the login id, known or not; a PIN's is contract and PIN scope.
CREATE TABLE guess_counters (
    bank         text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('login', 'pin')),
    guess_scope  text NOT NULL,
    wrong        int  NOT NULL DEFAULT 0 CHECK (wrong >= 0),
    open         int  NOT NULL DEFAULT 0 CHECK (open >= 0),
    locked_until timestamptz, -- 'infinity' until a reset
    touched_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bank, kind, guess_scope)
);

-- Each guess, reserved before the bank is asked; it stays reserved until its verdict is known.
CREATE TABLE guesses (
    attempt_id  uuid PRIMARY KEY,
    bank        text NOT NULL,
    kind        text NOT NULL,
    guess_scope text NOT NULL,
    command_key text NOT NULL, -- the form's
    ordinal     int  NOT NULL, -- which guess of that form
    secret_mac  bytea NOT NULL, -- keyed digest of what was guessed: the same form again is the same guess
    verdict     text NOT NULL DEFAULT 'reserved'
        CHECK (verdict IN ('reserved', 'match', 'mismatch', 'bank_locked', 'outage', 'void')),
    reserved_at timestamptz NOT NULL DEFAULT now(),
    settled_at  timestamptz
);
-- A form's guess is reserved once, however often the form is sent.
CREATE UNIQUE INDEX guesses_of_form ON guesses (bank, command_key, ordinal);
-- For the sweeper: guesses whose verdict is still unknown, and old ones to forget.
CREATE INDEX guesses_unsettled ON guesses (reserved_at) WHERE verdict = 'reserved';
CREATE INDEX guesses_by_age ON guesses (settled_at);

DO $$
DECLARE
    prefix text := current_setting('renkei.role_prefix');
    tables text := 'command_keys, bank_sessions, guess_counters, guesses';
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', tables, prefix || '_service');
    EXECUTE format(
        'GRANT SELECT (bank, journey_id, generation, contract, bank_user, login_at, last_seen_at,'
        || ' ended_at, end_reason) ON bank_sessions TO %I', prefix || '_auditor');
    EXECUTE format('GRANT SELECT ON guess_counters TO %I', prefix || '_auditor');
END
$$;
