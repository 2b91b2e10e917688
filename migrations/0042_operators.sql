-- Operators of banks: who they are, what they may, how they prove it, and what they did. The service may read
-- who they are and nothing more: operators are made by the database's owner (docs/decisions/0038).

CREATE TABLE operators (
    operator_id text PRIMARY KEY CHECK (operator_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

CREATE TABLE operator_roles (
    operator_id text NOT NULL REFERENCES operators,
    bank        text NOT NULL,
    role        text NOT NULL CHECK (role IN ('auditor', 'operator')),
    granted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (operator_id, bank)
);

-- Bearer tokens of the operators' API; the token itself is stored nowhere.
CREATE TABLE operator_tokens (
    token_id     uuid PRIMARY KEY,
    operator_id  text NOT NULL REFERENCES operators,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    token_hash   bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    last_used_at timestamptz -- at most a minute behind
);
-- SELECT … WHERE token_hash = $1 (every request to the API).
CREATE UNIQUE INDEX operator_tokens_hash ON operator_tokens (token_hash);

-- Passwords of the console: argon2id, with salt and parameters, in the PHC format.
CREATE TABLE operator_passwords (
    operator_id   text PRIMARY KEY REFERENCES operators,
    password_hash text NOT NULL,
    set_at        timestamptz NOT NULL DEFAULT now()
);

-- Wrong passwords in a row: a row per operator, and at most 1024 that all unknown ids share.
CREATE TABLE operator_login_counters (
    slot         text PRIMARY KEY,
    wrong        int NOT NULL,
    locked_until timestamptz
);

-- Sessions of the console: the cookie's SHA-256, never the cookie.
CREATE TABLE operator_sessions (
    session_hash bytea PRIMARY KEY CHECK (octet_length(session_hash) = 32),
    session_id   uuid NOT NULL,
    operator_id  text NOT NULL REFERENCES operators,
    began_at     timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz
);
-- UPDATE … WHERE operator_id = $1 (all of them end with a new password or a disabled operator).
CREATE INDEX operator_sessions_operator ON operator_sessions (operator_id);

-- What operators did, reads of personal data included. Never changed. What changes something is written
-- before it is done ('begun'), and the facts that it causes name it as their causation_id; its outcome follows
-- in operator_act_outcomes.
CREATE TABLE operator_acts (
    act_id       uuid PRIMARY KEY, -- UUIDv7
    acted_at     timestamptz NOT NULL DEFAULT now(),
    operator     text NOT NULL,
    via          text NOT NULL CHECK (via IN ('api', 'console', 'command_line')),
    credential   uuid,             -- the token or the session; NULL: the command line, a login
    bank         text,             -- NULL: of no bank in particular
    act          text NOT NULL CHECK (length(act) <= 64),
    subject_kind text NOT NULL CHECK (length(subject_kind) <= 32),
    subject_id   text CHECK (length(subject_id) <= 128), -- opaque
    request_id   text,
    outcome      text NOT NULL CHECK (outcome IN ('done', 'begun', 'refused')),
    detail       jsonb NOT NULL DEFAULT '{}' CHECK (octet_length(detail::text) <= 8192)
);
-- SELECT … WHERE bank = $1 ORDER BY act_id DESC (what was done at a bank).
CREATE INDEX operator_acts_bank ON operator_acts (bank, act_id);
-- SELECT … WHERE bank = $1 AND operator = $2 ORDER BY act_id DESC (what one did).
CREATE INDEX operator_acts_operator ON operator_acts (bank, operator, act_id);
-- SELECT … WHERE bank = $1 AND subject_kind = $2 AND subject_id = $3 ORDER BY act_id DESC (who looked).
CREATE INDEX operator_acts_subject ON operator_acts (bank, subject_kind, subject_id, act_id)
    WHERE subject_id IS NOT NULL;

CREATE TABLE operator_act_outcomes (
    act_id   uuid PRIMARY KEY REFERENCES operator_acts,
    ended_at timestamptz NOT NULL DEFAULT now(),
    outcome  text NOT NULL CHECK (outcome IN ('done', 'already', 'refused', 'failed')),
    detail   jsonb NOT NULL DEFAULT '{}' CHECK (octet_length(detail::text) <= 8192)
);

CREATE TRIGGER operator_acts_are_facts BEFORE UPDATE OR DELETE ON operator_acts
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_facts();
CREATE TRIGGER operator_acts_are_not_truncated BEFORE TRUNCATE ON operator_acts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_facts();
CREATE TRIGGER operator_act_outcomes_are_facts BEFORE UPDATE OR DELETE ON operator_act_outcomes
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_facts();
CREATE TRIGGER operator_act_outcomes_are_not_truncated BEFORE TRUNCATE ON operator_act_outcomes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_facts();

DO $$
DECLARE
    service text := current_setting('renkei.role_prefix') || '_service';
    auditor text := current_setting('renkei.role_prefix') || '_auditor';
BEGIN
    EXECUTE format('GRANT SELECT ON operators, operator_roles, operator_tokens, operator_passwords TO %I', service);
    EXECUTE format('GRANT UPDATE (last_used_at) ON operator_tokens TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON operator_login_counters TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON operator_sessions TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT ON operator_acts, operator_act_outcomes TO %I', service);
    EXECUTE format(
        'GRANT SELECT ON operators, operator_roles, operator_acts, operator_act_outcomes TO %I', auditor);
    EXECUTE format(
        'GRANT SELECT (token_id, operator_id, name, created_at, expires_at, revoked_at, last_used_at)'
        ' ON operator_tokens TO %I', auditor);
    EXECUTE format('GRANT SELECT (operator_id, set_at) ON operator_passwords TO %I', auditor);
    EXECUTE format(
        'GRANT SELECT (session_id, operator_id, began_at, last_seen_at, expires_at, ended_at)'
        ' ON operator_sessions TO %I', auditor);
END
$$;
