-- What banks tell of contracts, once per notice id: taken before anything follows from it, so that a
-- crash in between is made up for.
CREATE TABLE bank_notices (
    bank        text        NOT NULL,
    notice_id   uuid        NOT NULL,
    contract    text        NOT NULL,
    content     jsonb       NOT NULL, -- what is told: opaque ids, no names or numbers
    occurred_at timestamptz NOT NULL, -- as the bank says
    received_at timestamptz NOT NULL DEFAULT now(),
    effected_at timestamptz,          -- NULL while something may still have to follow
    PRIMARY KEY (bank, notice_id)
);
-- For the sweeper: notices whose effects are not complete.
CREATE INDEX bank_notices_open ON bank_notices (received_at) WHERE effected_at IS NULL;
-- For the sweeper: notices to be forgotten.
CREATE INDEX bank_notices_effected ON bank_notices (effected_at);

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON bank_notices TO %I',
        prefix || '_service');
    EXECUTE format('GRANT SELECT ON bank_notices TO %I', prefix || '_auditor');
END
$$;
