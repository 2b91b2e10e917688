-- When a stream's first and last facts were recorded, beside its state: `recorded_at` of both, written by the
-- statement that appends them and by a rebuild. An end is final, so `changed_at` of an ended consent is when its
-- end was recorded. The defaults are for a release that does not know the columns; a rebuild puts right what
-- it leaves.
ALTER TABLE journey_current
    ADD COLUMN began_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE consent_current
    ADD COLUMN began_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE contract_current
    ADD COLUMN began_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE partner_current
    ADD COLUMN began_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE partner_at_bank_current
    ADD COLUMN began_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE bank_current
    ADD COLUMN began_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();

DO $$
DECLARE kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['journey', 'consent', 'contract', 'partner', 'partner_at_bank', 'bank'] LOOP
        EXECUTE format(
            'UPDATE %I c SET began_at = first.recorded_at, changed_at = last.recorded_at
             FROM events first, events last
             WHERE first.aggregate_type = %L AND first.aggregate_id = c.stream_id AND first.sequence = 1
                AND last.aggregate_type = %L AND last.aggregate_id = c.stream_id AND last.sequence = c.version',
            kind || '_current', kind, kind);
    END LOOP;
END
$$;
