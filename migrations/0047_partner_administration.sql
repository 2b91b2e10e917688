-- What operators keep of partners beside the facts, and when a contract's planned end comes.

-- For the sweeper: partners that are enabled at a bank although their contract has ended, and ends that
-- customers have to be told of, WHERE status = 'enabled' AND contract_ends_at <= now().
ALTER TABLE partner_at_bank_current
    ADD COLUMN contract_ends_at timestamptz GENERATED ALWAYS AS (utc_instant(state #>> '{contract,ends_at}')) STORED;
CREATE INDEX partner_at_bank_current_ending ON partner_at_bank_current (contract_ends_at) WHERE status = 'enabled';

-- How far customers were told of a planned end, in the order in which their consents began.
CREATE TABLE partner_end_notices (
    bank          text        NOT NULL,
    partner       text        NOT NULL,
    ends_at       timestamptz NOT NULL, -- an end that was put off is another one
    told_began_at timestamptz NOT NULL DEFAULT '-infinity',
    told_stream   text        NOT NULL DEFAULT '',
    PRIMARY KEY (bank, partner, ends_at)
);

-- Keys of partners that go out of use at a time.
CREATE TABLE partner_key_retirements (
    partner   text        NOT NULL,
    kid       text        NOT NULL,
    retire_at timestamptz NOT NULL,
    set_by    text        NOT NULL,
    set_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partner, kid)
);
-- For the sweeper: WHERE retire_at <= now().
CREATE INDEX partner_key_retirements_due ON partner_key_retirements (retire_at);

-- Operators of the platform: they change what is the same at every bank. Made by the database's owner, like
-- every operator.
CREATE TABLE platform_operators (
    operator_id text PRIMARY KEY REFERENCES operators,
    granted_at  timestamptz NOT NULL DEFAULT now()
);

DO $$
DECLARE
    service text := current_setting('renkei.role_prefix') || '_service';
    auditor text := current_setting('renkei.role_prefix') || '_auditor';
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON partner_end_notices TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON partner_key_retirements TO %I', service);
    EXECUTE format('GRANT SELECT ON platform_operators TO %I', service);
    EXECUTE format(
        'GRANT SELECT ON partner_end_notices, partner_key_retirements, platform_operators TO %I', auditor);
END
$$;
