-- Revocations of many consents by a filter: what was previewed is frozen, so that what is revoked is what
-- was seen and approved. Not derived from events; the revocations themselves are facts of each consent.
CREATE TABLE bulk_revocations (
    bank           text        NOT NULL,
    bulk_id        uuid        NOT NULL,
    filter         jsonb       NOT NULL, -- as asked; opaque ids and times
    reason         text        NOT NULL, -- a reason of revocation, by name
    by_whom        text        NOT NULL, -- for whom the operator acts: customer, partner, bank, system
    requested_by   text        NOT NULL, -- the operator's id
    requested_at   timestamptz NOT NULL DEFAULT now(),
    -- A repeat of the request finds this row, for ever.
    request_key    text        NOT NULL,
    request_digest bytea       NOT NULL CHECK (octet_length(request_digest) = 32),
    -- preparing: the items are being written; approved is skipped where no second person is asked for.
    state          text        NOT NULL DEFAULT 'preparing' CHECK (state IN
        ('preparing', 'previewed', 'approved', 'running', 'paused', 'completed', 'cancelled')),
    frozen_at      timestamptz, -- consents as of this moment; NULL while preparing
    item_count     bigint,
    content_digest bytea CHECK (octet_length(content_digest) = 32), -- SHA-256 of filter, reason and items
    needs_approval boolean     NOT NULL, -- as the bank asked when it was requested
    -- Until when it may be approved, or started where nobody has to approve; then: started.
    valid_until    timestamptz,
    approved_by    text,
    approved_at    timestamptz,
    started_by     text,
    started_at     timestamptz,
    ended_at       timestamptz, -- completed or cancelled
    per_second     int         NOT NULL CHECK (per_second BETWEEN 1 AND 1000),
    -- Paces the batches of all replicas together.
    next_batch_at  timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (bank, bulk_id),
    CHECK (approved_by IS DISTINCT FROM requested_by OR approved_by IS NULL),
    CHECK ((state = 'preparing') = (frozen_at IS NULL)),
    CHECK ((frozen_at IS NULL) = (content_digest IS NULL AND item_count IS NULL AND valid_until IS NULL)),
    -- Four eyes, whatever the code does.
    CHECK (NOT needs_approval OR started_at IS NULL OR approved_by IS NOT NULL)
);
-- A repeated request: WHERE bank = $1 AND request_key = $2.
CREATE UNIQUE INDEX bulk_revocations_request ON bulk_revocations (bank, request_key);
-- A bank's, the newest first: WHERE bank = $1 AND (requested_at, bulk_id) < ($2, $3).
CREATE INDEX bulk_revocations_by_time ON bulk_revocations (bank, requested_at, bulk_id);
-- For the replicas: what is to be worked off, WHERE state = 'running' AND next_batch_at <= now().
CREATE INDEX bulk_revocations_running ON bulk_revocations (next_batch_at) WHERE state = 'running';

-- The frozen set, and what came of each.
CREATE TABLE bulk_revocation_items (
    bank          text   NOT NULL,
    bulk_id       uuid   NOT NULL,
    ordinal       bigint NOT NULL, -- from 1, in the order of grant ids
    grant_id      text   NOT NULL,
    contract      text   NOT NULL,
    partner       text   NOT NULL,
    outcome       text CHECK (outcome IN ('revoked', 'already_ended', 'failed')), -- NULL: not yet
    why           text,        -- of a failure, from a short list
    tries         int    NOT NULL DEFAULT 0,
    claimed_until timestamptz NOT NULL DEFAULT '-infinity', -- one replica is at it, until then
    settled_at    timestamptz,
    PRIMARY KEY (bank, bulk_id, ordinal),
    FOREIGN KEY (bank, bulk_id) REFERENCES bulk_revocations,
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
);
-- Each consent once.
CREATE UNIQUE INDEX bulk_revocation_items_grant ON bulk_revocation_items (bank, bulk_id, grant_id);
-- For the replicas: the next batch, WHERE bank = $1 AND bulk_id = $2 AND outcome IS NULL ORDER BY ordinal.
CREATE INDEX bulk_revocation_items_open ON bulk_revocation_items (bank, bulk_id, ordinal) WHERE outcome IS NULL;

-- Who did what with it. Written with the change, never changed.
CREATE TABLE bulk_revocation_acts (
    act_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank     text        NOT NULL,
    bulk_id  uuid        NOT NULL,
    act      text        NOT NULL CHECK (act IN
        ('requested', 'approved', 'started', 'paused', 'resumed', 'cancelled', 'completed')),
    operator text,       -- NULL: this service
    acted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (bank, bulk_id) REFERENCES bulk_revocations
);
-- WHERE bank = $1 AND bulk_id = $2 ORDER BY act_id.
CREATE INDEX bulk_revocation_acts_of ON bulk_revocation_acts (bank, bulk_id, act_id);

DO $$
DECLARE
    service text := current_setting('renkei.role_prefix') || '_service';
    auditor text := current_setting('renkei.role_prefix') || '_auditor';
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON bulk_revocations TO %I', service);
    -- Items of a preview that a crash left half written are written anew.
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON bulk_revocation_items TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT ON bulk_revocation_acts TO %I', service);
    EXECUTE format(
        'GRANT SELECT ON bulk_revocations, bulk_revocation_items, bulk_revocation_acts TO %I', auditor);
END
$$;
