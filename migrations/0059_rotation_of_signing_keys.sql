-- Rotation of signing keys by command (docs/decisions/0051): when a key signed, which one got out, and which
-- key signed each access token.
ALTER TABLE signing_keys
    ADD COLUMN activated_at timestamptz, -- NULL: it never signed
    ADD COLUMN revoked_at timestamptz,   -- a key that got out
    DROP CONSTRAINT signing_keys_state_check,
    DROP CONSTRAINT signing_keys_check,
    ADD CONSTRAINT signing_keys_state_check CHECK (state IN ('published', 'active', 'retired', 'revoked')),
    ADD CONSTRAINT signing_keys_times_check CHECK (
        (state = 'revoked') = (revoked_at IS NOT NULL)
        AND CASE state WHEN 'retired' THEN retired_at IS NOT NULL WHEN 'revoked' THEN true
            ELSE retired_at IS NULL END);
-- Until now no key was ever changed in the field: who signs has signed from the beginning.
UPDATE signing_keys SET activated_at = created_at WHERE state = 'active';

-- NULL: issued by the release before.
ALTER TABLE issued_access_tokens ADD COLUMN kid text;

DO $$
DECLARE auditor text := current_setting('renkei.role_prefix') || '_auditor';
BEGIN
    EXECUTE format('GRANT SELECT (activated_at, revoked_at) ON signing_keys TO %I', auditor);
END $$;
