-- The authorization server's own records: not derived from events, so a rebuild leaves them alone.
-- Every key begins with the bank's code. Codes, refresh tokens and request URIs are stored as
-- SHA-256 hashes, keys of ours wrapped by a key from outside the database.
-- dpop_jkt, cnf_jkt and cnf_x5t are empty until tokens are sender-constrained.

-- One row per `jti` that was accepted: a second INSERT hits the primary key, on whatever replica.
CREATE TABLE used_jtis (
    bank text NOT NULL,
    client_id text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('client_assertion', 'dpop_proof', 'request_object')),
    jti_hash bytea NOT NULL CHECK (octet_length(jti_hash) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (bank, client_id, purpose, jti_hash)
);
-- DELETE … WHERE expires_at < $1 (the purge).
CREATE INDEX used_jtis_expires_at ON used_jtis (expires_at);

CREATE TABLE pushed_requests (
    bank text NOT NULL,
    request_uri_hash bytea NOT NULL CHECK (octet_length(request_uri_hash) = 32),
    client_id text NOT NULL,
    journey_id text NOT NULL,
    -- As received, without the client assertion.
    parameters jsonb NOT NULL,
    dpop_jkt text,
    created_at timestamptz NOT NULL,
    first_shown_at timestamptz,
    -- 60 s after created_at until first shown, then at most 600 s after it.
    expires_at timestamptz NOT NULL,
    -- The first login binds the request to its browser.
    bound_at timestamptz,
    bound_session_hash bytea,
    finished_at timestamptz,
    PRIMARY KEY (bank, request_uri_hash),
    CHECK ((bound_at IS NULL) = (bound_session_hash IS NULL))
);
-- UPDATE … WHERE bank = $1 AND journey_id = $2 (binding and finishing, by the journey's commands).
CREATE UNIQUE INDEX pushed_requests_journey ON pushed_requests (bank, journey_id);
-- DELETE … WHERE created_at < $1 (the purge).
CREATE INDEX pushed_requests_created_at ON pushed_requests (created_at);

CREATE TABLE authorization_codes (
    bank text NOT NULL,
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    code_id uuid NOT NULL,
    client_id text NOT NULL,
    grant_id text NOT NULL,
    journey_id text NOT NULL,
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    dpop_jkt text,
    PRIMARY KEY (bank, code_hash)
);
-- SELECT … WHERE bank = $1 AND journey_id = $2 (a repeated authorization finds its code).
CREATE INDEX authorization_codes_journey ON authorization_codes (bank, journey_id);
-- DELETE … WHERE issued_at < $1 (the purge).
CREATE INDEX authorization_codes_issued_at ON authorization_codes (issued_at);

CREATE TABLE refresh_tokens (
    bank text NOT NULL,
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    refresh_token_id uuid NOT NULL,
    client_id text NOT NULL,
    grant_id text NOT NULL,
    code_id uuid NOT NULL,
    issued_at timestamptz NOT NULL,
    revoked_at timestamptz,
    dpop_jkt text,
    cnf_jkt text,
    cnf_x5t text,
    PRIMARY KEY (bank, token_hash)
);
-- SELECT … WHERE bank = $1 AND refresh_token_id = $2 (issuing an access token from it).
CREATE UNIQUE INDEX refresh_tokens_id ON refresh_tokens (bank, refresh_token_id);
-- UPDATE … WHERE bank = $1 AND code_id = $2 (a code used twice).
CREATE INDEX refresh_tokens_code ON refresh_tokens (bank, code_id);
-- UPDATE … WHERE bank = $1 AND grant_id = $2 (a grant that ended).
CREATE INDEX refresh_tokens_grant ON refresh_tokens (bank, grant_id);

-- The ids of the access tokens that were issued; the tokens themselves are stored nowhere.
CREATE TABLE issued_access_tokens (
    bank text NOT NULL,
    jti uuid NOT NULL,
    client_id text NOT NULL,
    grant_id text NOT NULL,
    code_id uuid NOT NULL,
    refresh_token_id uuid,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    cnf_jkt text,
    cnf_x5t text,
    PRIMARY KEY (bank, jti)
);
-- UPDATE … WHERE bank = $1 AND code_id = $2 (a code used twice).
CREATE INDEX issued_access_tokens_code ON issued_access_tokens (bank, code_id);
-- DELETE … WHERE expires_at < $1 (the purge).
CREATE INDEX issued_access_tokens_expires_at ON issued_access_tokens (expires_at);

-- bank is empty for a key that signs for every bank.
CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    bank text,
    algorithm text NOT NULL CHECK (algorithm IN ('ES256')),
    public_jwk jsonb NOT NULL,
    private_key_wrapped bytea NOT NULL,
    private_key_nonce bytea NOT NULL CHECK (octet_length(private_key_nonce) = 12),
    state text NOT NULL CHECK (state IN ('published', 'active', 'retired')),
    -- A published key may sign from here on: by then every verifier has seen it.
    not_before timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    CHECK ((state = 'retired') = (retired_at IS NOT NULL))
);
-- One active key, however many replicas start or rotate at once.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (coalesce(bank, ''), algorithm)
    WHERE state = 'active';

CREATE TABLE shared_keys (
    name text PRIMARY KEY CHECK (name IN ('code', 'form', 'pairwise', 'content', 'evidence')),
    key_wrapped bytea NOT NULL,
    key_nonce bytea NOT NULL CHECK (octet_length(key_nonce) = 12),
    created_at timestamptz NOT NULL
);

-- The auditor sees who, what and when; never a hash of a secret or a wrapped key.
DO $$
DECLARE
    service text := current_setting('renkei.role_prefix') || '_service';
    auditor text := current_setting('renkei.role_prefix') || '_auditor';
BEGIN
    EXECUTE format(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON used_jtis, pushed_requests, authorization_codes, '
        'refresh_tokens, issued_access_tokens, signing_keys, shared_keys TO %I', service);
    EXECUTE format('GRANT SELECT (bank, client_id, purpose, expires_at) ON used_jtis TO %I', auditor);
    EXECUTE format(
        'GRANT SELECT (bank, client_id, journey_id, created_at, first_shown_at, expires_at, '
        'bound_at, finished_at) ON pushed_requests TO %I', auditor);
    EXECUTE format(
        'GRANT SELECT (bank, code_id, client_id, grant_id, journey_id, redirect_uri, issued_at, '
        'expires_at, used_at, dpop_jkt) ON authorization_codes TO %I', auditor);
    EXECUTE format(
        'GRANT SELECT (bank, refresh_token_id, client_id, grant_id, code_id, issued_at, '
        'revoked_at, dpop_jkt, cnf_jkt, cnf_x5t) ON refresh_tokens TO %I', auditor);
    EXECUTE format('GRANT SELECT ON issued_access_tokens TO %I', auditor);
    EXECUTE format(
        'GRANT SELECT (kid, bank, algorithm, public_jwk, state, not_before, created_at, '
        'retired_at) ON signing_keys TO %I', auditor);
    EXECUTE format('GRANT SELECT (name, created_at) ON shared_keys TO %I', auditor);
END $$;
