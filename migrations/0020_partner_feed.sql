-- What a partner reads over HTTP: the log, by partner.

-- Access tokens for a partner's own scopes (client_credentials) have no grant and no code.
ALTER TABLE issued_access_tokens
    ALTER COLUMN grant_id DROP NOT NULL,
    ALTER COLUMN code_id DROP NOT NULL,
    ADD CONSTRAINT issued_access_tokens_of_a_grant_or_of_the_partner
        CHECK ((grant_id IS NULL) = (code_id IS NULL) AND (grant_id IS NOT NULL OR refresh_token_id IS NULL));

-- The feed finds a partner's facts by these columns: one without them would be passed over in silence.
-- NOT VALID takes no long lock; it holds for every row from now on.
ALTER TABLE events ADD CONSTRAINT events_of_a_partner_name_it CHECK (
    aggregate_type NOT IN ('consent', 'partner_at_bank') OR (bank IS NOT NULL AND partner IS NOT NULL)
) NOT VALID;

-- SELECT … FROM event_log WHERE (bank, partner, global_sequence) > ($1, $2, $3) AND … AND aggregate_type
-- NOT IN (…) ORDER BY bank, partner, global_sequence LIMIT $4 (a page of the feed). The kinds of stream that
-- never tell a partner anything are left out; a kind that is not known yet is in.
CREATE INDEX event_log_of_partner ON event_log (bank, partner, global_sequence)
    WHERE aggregate_type NOT IN ('journey', 'contract', 'partner', 'bank');
