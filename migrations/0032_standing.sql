-- What each level says to reads, one word, so that a decision parses no state of them: a bank's record may hold
-- the texts of pages, and a contract's registrations grow with every journey. Generated like every column,
-- so a rebuild is the fold and nothing else. Another release's rows are folded, never read by these words.
CREATE FUNCTION standing(ended boolean, open boolean, causes jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN ended THEN 'ended'
        WHEN open AND coalesce(causes, '[]') = '[]' THEN 'clear'
        ELSE 'suspended'
    END
$$;

ALTER TABLE contract_current ADD COLUMN standing text NOT NULL
    GENERATED ALWAYS AS (standing(state ->> 'closed_at' IS NOT NULL, true, state -> 'suspended')) STORED;
ALTER TABLE partner_at_bank_current ADD COLUMN standing text NOT NULL
    GENERATED ALWAYS AS (standing(false, state ->> 'status' = 'enabled', state -> 'suspended')) STORED;
ALTER TABLE bank_current ADD COLUMN standing text NOT NULL
    GENERATED ALWAYS AS (standing(false, state ->> 'status' = 'registered', state -> 'suspended')) STORED;
