-- What bears on one consent, for its story, its state at a moment and why it stopped. A function, for its
-- statements are planned once per connection: planned with every call, the 16 partitions of four streams cost
-- ten times what reading them does. All of it is of the caller's snapshot.
CREATE FUNCTION facts_bearing_on_consent(
    of_bank text,
    of_consent text,           -- the consent's stream
    types_of_contract text[],  -- which facts of a contract bear on its consents
    with_journeys boolean      -- those that led to it, too
) RETURNS SETOF events
    LANGUAGE plpgsql STABLE ROWS 30 SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    its_contract text;
    its_partner text;
    its_journeys text[];
    its_journey text;
BEGIN
    SELECT of_bank || ':' || c.contract, of_bank || ':' || c.partner INTO its_contract, its_partner
        FROM consent_current c WHERE c.stream_id = of_consent;
    RETURN QUERY SELECT e.* FROM events e
        WHERE e.aggregate_type = 'consent' AND e.aggregate_id = of_consent;
    RETURN QUERY SELECT e.* FROM events e
        WHERE e.aggregate_type = 'contract' AND e.aggregate_id = its_contract AND e.event_type = ANY (types_of_contract);
    RETURN QUERY SELECT e.* FROM events e
        WHERE e.aggregate_type = 'partner_at_bank' AND e.aggregate_id = its_partner;
    RETURN QUERY SELECT e.* FROM events e
        WHERE e.aggregate_type = 'bank' AND e.aggregate_id = of_bank;
    IF with_journeys THEN
        SELECT array_agg(DISTINCT of_bank || ':' || coalesce(
                e.payload #>> '{AccessGranted,journey}', e.payload #>> '{AccessAmended,journey}',
                e.payload #>> '{AccessRenewed,journey}')) INTO its_journeys
            FROM events e WHERE e.aggregate_type = 'consent' AND e.aggregate_id = of_consent;
        -- One after the other: of a list the plan would be of every partition.
        FOREACH its_journey IN ARRAY coalesce(its_journeys, '{}') LOOP
            RETURN QUERY SELECT e.* FROM events e
                WHERE e.aggregate_type = 'journey' AND e.aggregate_id = its_journey;
        END LOOP;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION facts_bearing_on_consent(text, text, text[], boolean) FROM PUBLIC;

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION facts_bearing_on_consent(text, text, text[], boolean) TO %I, %I',
        prefix || '_service', prefix || '_auditor');
END
$$;
