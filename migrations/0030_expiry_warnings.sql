-- For the sweeper: live consents of whose end the customer has to be warned,
-- WHERE status = 'live' AND warn_at <= now(). A row that an earlier release wrote has no such time
-- until its consent changes or the projections are rebuilt.
ALTER TABLE consent_current
    ADD COLUMN warn_at timestamptz GENERATED ALWAYS AS (utc_instant(state ->> 'warn_at')) STORED;
CREATE INDEX consent_current_warnings ON consent_current (warn_at) WHERE status = 'live';
