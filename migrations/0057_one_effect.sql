-- What must hold whoever comes at the same moment, and whoever comes again: a bank's notice has one effect or
-- none, for good; and of the linkages that a bank lets a new one end, none is overlooked.

-- A notice that was told is known by its id as long as there is a database. What it said is forgotten after its
-- time, or not kept at all where its contract has nothing here; a digest of it stays, so that another content
-- under the same id is refused.
ALTER TABLE bank_notices
    ALTER COLUMN contract DROP NOT NULL,
    ALTER COLUMN content DROP NOT NULL,
    ALTER COLUMN occurred_at DROP NOT NULL,
    ADD COLUMN content_sha256 bytea, -- NULL while what it said is here
    -- The grants that were live when it became a fact of its contract: what begins later is not concerned. NULL
    -- before, and when it was forgotten.
    ADD COLUMN concerned text[],
    ADD CONSTRAINT bank_notices_said CHECK (num_nonnulls(contract, content, occurred_at)
        = CASE WHEN content_sha256 IS NULL THEN 3 ELSE 0 END) NOT VALID, -- validated by 0062
    -- What is open is still needed.
    ADD CONSTRAINT bank_notices_over CHECK (content_sha256 IS NULL OR effected_at IS NOT NULL) NOT VALID;

-- The id is in it, so that equal contents have different digests.
CREATE FUNCTION bank_notice_sha256(of_bank text, notice uuid, of_contract text, content jsonb, occurred_at timestamptz)
    RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(concat_ws(E'\n', of_bank, notice, of_contract,
        extract(epoch FROM occurred_at)::numeric(20, 6), content), 'UTF8'))
$$;

-- Writes down which grants a notice concerns: with the contract's fact, after its row was written. Every statement
-- of a volatile function has a snapshot of its own, so this one sees what committed while that row was waited
-- for; what comes later finds the fact.
CREATE FUNCTION note_concerned(of_bank text, notice uuid, of_contract text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE bank_notices SET concerned = ARRAY(
            SELECT split_part(c.stream_id, ':', 2) FROM consent_current c
            WHERE c.bank = of_bank AND c.contract = of_contract AND c.status = 'live' ORDER BY 1)
        WHERE bank = of_bank AND notice_id = notice AND concerned IS NULL;
    RETURN true;
END
$$;

-- Whether a contract has no live linkage but these, of the first `most` by id: takes the contract's row, so that of
-- two that make linkages the second looks when the first is through, with a snapshot of then.
CREATE FUNCTION are_all_linkages(of_contract text, known text[], most bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM contract_current WHERE stream_id = of_contract FOR NO KEY UPDATE;
    RETURN NOT EXISTS (
        SELECT FROM (
            SELECT c.stream_id FROM consent_current c
            WHERE c.bank = split_part(of_contract, ':', 1) AND c.contract = split_part(of_contract, ':', 2)
              AND c.status = 'live' AND c.valid_until > now()
            ORDER BY c.stream_id LIMIT most
        ) live WHERE live.stream_id <> ALL (known));
END
$$;

-- The auditor reads no digest of what was forgotten.
DO $$
DECLARE auditor text := current_setting('renkei.role_prefix') || '_auditor';
BEGIN
    EXECUTE format('REVOKE SELECT ON bank_notices FROM %I', auditor);
    EXECUTE format('GRANT SELECT (bank, notice_id, contract, content, occurred_at, received_at, effected_at, concerned)'
        ' ON bank_notices TO %I', auditor);
END
$$;
