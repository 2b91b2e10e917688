-- What the customer was shown when allowing access, in the words of the moment: names, account
-- numbers, terms. Encrypted under a key of ours, with a retention of its own; its SHA-256 stands in
-- the event AccessAuthorized. Not derived: a rebuild leaves it alone.
CREATE TABLE evidence_records (
    bank         text        NOT NULL,
    journey_id   text        NOT NULL,
    grant_id     text        NOT NULL,
    sealed       bytea       NOT NULL, -- nonce (12 bytes), then ciphertext and tag
    sha256       text        NOT NULL, -- of the plain record, lower-case hex
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    retain_until timestamptz NOT NULL,
    PRIMARY KEY (bank, journey_id)
);
-- Everything that was shown for a grant: SELECT … WHERE bank = $1 AND grant_id = $2.
CREATE INDEX evidence_records_grant ON evidence_records (bank, grant_id);
-- DELETE … WHERE retain_until < now() (the sweeper).
CREATE INDEX evidence_records_retention ON evidence_records (retain_until);

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    -- No UPDATE: a record is written once, and deleted after its time.
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON evidence_records TO %I', prefix || '_service');
    EXECUTE format(
        'GRANT SELECT (bank, journey_id, grant_id, sha256, recorded_at, retain_until)'
        || ' ON evidence_records TO %I', prefix || '_auditor');
END
$$;
