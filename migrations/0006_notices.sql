-- Notices to customers (お知らせメール), sent by the bank: written with the facts that they tell of,
-- sent afterwards, again until the bank has taken them. The bank sends each id once.
CREATE TABLE notices (
    notice_id    uuid PRIMARY KEY,
    bank         text        NOT NULL,
    kind         text        NOT NULL
        CHECK (kind IN ('linked', 'changed', 'ended', 'login_locked', 'pin_locked')),
    contract     text        NOT NULL,
    actor_user   text,       -- NULL where nobody of the contract acted
    partner      text,       -- the partner's id; NULL for locks
    accounts     text[]      NOT NULL DEFAULT '{}', -- the bank's ids
    occurred_at  timestamptz NOT NULL DEFAULT now(),
    tries        int         NOT NULL DEFAULT 0,
    next_try_at  timestamptz NOT NULL DEFAULT now(),
    sent_at      timestamptz
);
-- For the sender: notices that are due.
CREATE INDEX notices_due ON notices (next_try_at) WHERE sent_at IS NULL;
-- For "did every notice arrive?": by contract and time.
CREATE INDEX notices_of_contract ON notices (bank, contract, occurred_at);

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON notices TO %I', prefix || '_service');
    EXECUTE format('GRANT SELECT ON notices TO %I', prefix || '_auditor');
END
$$;
