-- What the service's role removes by a function only: each has a bound of its own, whatever the settings say.

-- Months of the access record that are past their time leave whole. A month with rows that are held loses the
-- others and stays. The service's role calls it and so may drop nothing younger than the bound here.
CREATE FUNCTION remove_access_records(kept interval) RETURNS TABLE (dropped int, removed bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    part record;
    holds constant text := 'EXISTS (SELECT FROM legal_holds h WHERE h.bank = r.bank AND h.lifted_at IS NULL
        AND (h.grant_id = r.grant_id OR h.contract = r.contract OR h.partner = r.partner))';
    is_held boolean;
    n bigint;
BEGIN
    IF kept < interval '3 months' THEN
        RAISE EXCEPTION 'access records are kept for three months at least' USING ERRCODE = 'RK003';
    END IF;
    dropped := 0;
    removed := 0;
    PERFORM share_removals();
    FOR part IN
        SELECT inhrelid::regclass AS name,
            (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz AS ends_at
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.access_records'::regclass
          AND pg_get_expr(c.relpartbound, c.oid) LIKE 'FOR VALUES FROM%'
        ORDER BY 2
    LOOP
        CONTINUE WHEN part.ends_at IS NULL OR part.ends_at > now() - kept;
        EXECUTE format('SELECT EXISTS (SELECT FROM %s r WHERE %s)', part.name, holds) INTO is_held;
        IF is_held THEN
            EXECUTE format('DELETE FROM %s r WHERE NOT %s', part.name, holds);
            GET DIAGNOSTICS n = ROW_COUNT;
            removed := removed + n;
        ELSE
            EXECUTE format('ALTER TABLE access_records DETACH PARTITION %s', part.name);
            EXECUTE format('DROP TABLE %s', part.name);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION remove_access_records(interval) FROM PUBLIC;

-- Acts of operators, and bulk revocations that ended, leave when they are old enough, by this and nothing else
-- (see refuse_change_of_facts).
CREATE FUNCTION remove_operator_acts(kept interval) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    removed int;
    all_removed int := 0;
BEGIN
    IF kept < interval '12 months' THEN
        RAISE EXCEPTION 'acts of operators are kept for a year at least' USING ERRCODE = 'RK003';
    END IF;
    DELETE FROM push_target_acts WHERE acted_at < now() - kept;
    GET DIAGNOSTICS all_removed = ROW_COUNT;
    PERFORM set_config('renkei.removal_of_acts', 'on', true);
    DELETE FROM operator_act_outcomes o USING operator_acts a
        WHERE a.act_id = o.act_id AND a.acted_at < now() - kept;
    DELETE FROM operator_acts WHERE acted_at < now() - kept;
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM set_config('renkei.removal_of_acts', '', true);
    all_removed := all_removed + removed;
    DELETE FROM bulk_revocation_acts a USING bulk_revocations b
        WHERE b.bank = a.bank AND b.bulk_id = a.bulk_id AND b.ended_at < now() - kept;
    DELETE FROM bulk_revocation_items i USING bulk_revocations b
        WHERE b.bank = i.bank AND b.bulk_id = i.bulk_id AND b.ended_at < now() - kept;
    DELETE FROM bulk_revocations WHERE ended_at < now() - kept;
    GET DIAGNOSTICS removed = ROW_COUNT;
    all_removed := all_removed + removed;
    RETURN all_removed;
END
$$;
REVOKE ALL ON FUNCTION remove_operator_acts(interval) FROM PUBLIC;

-- Whether no partition of a range-partitioned table takes a value; false where there is no such table.
CREATE FUNCTION is_partition_missing(of_table text, value text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    part record;
    takes boolean;
BEGIN
    IF to_regclass('public.' || of_table) IS NULL THEN
        RETURN false;
    END IF;
    FOR part IN
        SELECT format_type(a.atttypid, a.atttypmod) AS kind, regexp_match(pg_get_expr(c.relpartbound, c.oid),
            'FROM \(''?([^'')]+)''?\) TO \(''?([^'')]+)''?\)') AS bounds
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_partitioned_table p ON p.partrelid = i.inhparent
        JOIN pg_attribute a ON a.attrelid = i.inhparent AND a.attnum = p.partattrs[0]
        WHERE i.inhparent = to_regclass('public.' || of_table)
    LOOP
        EXECUTE format('SELECT %1$L::%2$s >= %3$L::%2$s AND %1$L::%2$s < %4$L::%2$s',
            value, part.kind, part.bounds[1], part.bounds[2]) INTO takes;
        IF takes THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$$;

DO $$
DECLARE service text := current_setting('renkei.role_prefix') || '_service';
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION remove_access_records(interval), remove_operator_acts(interval)'
        ' TO %I', service);
END
$$;
