-- The access record: every read of data that a partner got, committed before the partner got it. Rows are
-- added and read, never changed; what is too old goes as a whole partition. No name, balance or number of
-- an account: ids, days and counts.
CREATE TABLE access_records (
    -- A UUIDv7 made by the account API for the read, so that a report that was repeated is one row. Its
    -- own time is `occurred_at`.
    record_id      uuid        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    bank           text        NOT NULL,
    grant_id       text        NOT NULL,
    contract       text        NOT NULL,
    client         text        NOT NULL,
    partner        text        NOT NULL,
    task           text        NOT NULL CHECK (task IN ('accounts', 'balance', 'transactions')),
    account        text, -- the bank's id; NULL where the grant's accounts were listed
    rows           int         NOT NULL CHECK (rows >= 0), -- accounts, balances or transactions served
    -- Calendar days in Japan; only of transactions, and NULL where no day could be read.
    from_date      date,
    to_date        date,
    -- The last day that is over and of which, with the pages before, every transaction was served.
    last_served_on date,
    jti            uuid        NOT NULL, -- of the access token
    request_id     text        NOT NULL,
    traceparent    text,
    -- INSERT … ON CONFLICT (a report repeated).
    PRIMARY KEY (record_id, occurred_at),
    CHECK ((account IS NULL) = (task = 'accounts')),
    CHECK ((from_date IS NULL) = (to_date IS NULL) AND from_date <= to_date),
    CHECK (last_served_on BETWEEN from_date AND to_date)
) PARTITION BY RANGE (occurred_at);
-- WHERE bank = $1 AND grant_id = $2 ORDER BY occurred_at DESC, record_id DESC (the customer's page, and
-- whoever asks what was read under a grant).
CREATE INDEX access_records_of_grant ON access_records (bank, grant_id, occurred_at, record_id);

-- The sums of `access_records`, written in the same statement: first and last read, how many, and the last
-- served day. They stay when old records go.
CREATE TABLE access_totals (
    bank           text        NOT NULL,
    grant_id       text        NOT NULL,
    account        text        NOT NULL, -- empty where the grant's accounts were listed
    task           text        NOT NULL,
    first_read_at  timestamptz NOT NULL,
    last_read_at   timestamptz NOT NULL,
    reads          bigint      NOT NULL CHECK (reads >= 1),
    rows           bigint      NOT NULL CHECK (rows >= 0),
    last_served_on date,
    PRIMARY KEY (bank, grant_id, account, task),
    CHECK (first_read_at <= last_read_at)
) WITH (fillfactor = 70); -- rewritten by each read: leaves room for the new version on the same page

-- Makes the partition that takes `containing`, a month in Japan; false where it is there. The service calls
-- it ahead of need and so owns nothing; attaching a table locks no reader and no writer out.
CREATE FUNCTION make_access_records_partition(containing timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    zone  constant text := 'Asia/Tokyo';
    month constant timestamp := date_trunc('month', containing AT TIME ZONE zone);
    part  constant text := 'access_records_' || to_char(month, 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || part) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Of the replicas that find it missing at once, one makes it.
    PERFORM pg_advisory_xact_lock('access_records'::regclass::oid::bigint);
    IF to_regclass('public.' || part) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE access_records INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
    EXECUTE format(
        'ALTER TABLE access_records ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        part, month AT TIME ZONE zone, (month + interval '1 month') AT TIME ZONE zone);
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION make_access_records_partition(timestamptz) FROM PUBLIC;
SELECT make_access_records_partition(now() + make_interval(months => ahead)) FROM generate_series(0, 2) AS ahead;

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON access_records TO %I', prefix || '_service');
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON access_totals TO %I', prefix || '_service');
    EXECUTE format('GRANT EXECUTE ON FUNCTION make_access_records_partition(timestamptz) TO %I',
        prefix || '_service');
    EXECUTE format('GRANT SELECT ON access_records, access_totals TO %I', prefix || '_auditor');
END
$$;
