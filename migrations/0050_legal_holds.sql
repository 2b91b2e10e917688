-- Legal holds: what belongs to a contract, a grant or a partner at a bank is not destroyed, and what was
-- recorded of it not removed, until the hold is lifted. A lifted hold stays, as a record of the act.
CREATE TABLE legal_holds (
    hold_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bank      text NOT NULL,
    -- One of the three.
    contract  text,
    grant_id  text,
    partner   text,
    reason    text NOT NULL CHECK (reason <> ''),
    placed_by text NOT NULL CHECK (placed_by <> ''),
    placed_at timestamptz NOT NULL DEFAULT now(),
    lifted_by text CHECK (lifted_by <> ''),
    lifted_at timestamptz,
    lift_reason text,
    CHECK (num_nonnulls(contract, grant_id, partner) = 1),
    CHECK (num_nonnulls(lifted_by, lifted_at, lift_reason) IN (0, 3))
);
-- Whether something is held: by bank, what stands.
CREATE INDEX legal_holds_standing ON legal_holds (bank) WHERE lifted_at IS NULL;

-- Holds and removals do not run beside each other: a hold takes this lock alone, whoever removes shares it.
-- So a hold that is there holds for every removal that begins later, and one that comes meanwhile waits.
-- The number is this lock's name: an advisory lock, since a removal's role has no right to lock the table.
CREATE FUNCTION wait_for_removals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7221450163);
    IF TG_OP = 'UPDATE' AND (OLD.lifted_at IS NOT NULL
        OR (NEW.hold_id, NEW.bank, NEW.contract, NEW.grant_id, NEW.partner, NEW.reason, NEW.placed_by,
            NEW.placed_at) IS DISTINCT FROM (OLD.hold_id, OLD.bank, OLD.contract, OLD.grant_id, OLD.partner,
            OLD.reason, OLD.placed_by, OLD.placed_at)) THEN
        RAISE EXCEPTION 'a hold is lifted once, and never changed' USING ERRCODE = 'RK003';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER legal_holds_wait BEFORE INSERT OR UPDATE ON legal_holds
    FOR EACH ROW EXECUTE FUNCTION wait_for_removals();
CREATE FUNCTION refuse_removal_of_a_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of an act is never removed' USING ERRCODE = 'RK003';
END
$$;
CREATE TRIGGER legal_holds_stay BEFORE DELETE ON legal_holds
    FOR EACH ROW EXECUTE FUNCTION refuse_removal_of_a_record();
CREATE TRIGGER legal_holds_are_not_truncated BEFORE TRUNCATE ON legal_holds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal_of_a_record();

-- Taken by whoever removes, before it looks.
CREATE FUNCTION share_removals() RETURNS void LANGUAGE sql VOLATILE AS 'SELECT pg_advisory_xact_lock_shared(7221450163)';

-- Whether what belongs to a grant is held.
CREATE FUNCTION is_held(of_bank text, of_grant text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM legal_holds h
        LEFT JOIN consent_current c ON c.stream_id = of_bank || ':' || of_grant
        WHERE h.bank = of_bank AND h.lifted_at IS NULL
          AND (h.grant_id = of_grant OR h.contract = c.contract OR h.partner = c.partner))
$$;

-- Evidence of what is held stays, whoever removes: a row is looked at after the lock is there, with the holds
-- of that moment.
CREATE FUNCTION keep_what_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM share_removals();
    IF is_held(OLD.bank, OLD.grant_id) THEN
        RETURN NULL;
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER evidence_is_held BEFORE DELETE ON evidence_records
    FOR EACH ROW EXECUTE FUNCTION keep_what_is_held();

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT ON legal_holds TO %I, %I', prefix || '_service', prefix || '_auditor');
END
$$;
