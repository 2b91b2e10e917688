-- TRUNCATE fires no trigger of the parent when a partition is named itself, so each partition of
-- `events` refuses it on its own. (UPDATE and DELETE are refused by triggers that partitions inherit.)
-- A partition that is added later needs the same trigger.
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'events'::regclass LOOP
        EXECUTE format(
            'CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_facts()', part);
    END LOOP;
END
$$;
