-- no-transaction
-- SELECT … WHERE bank = $1 AND client = $2 AND stream_id > $3 ORDER BY stream_id (a partner lists its grants).
CREATE INDEX CONCURRENTLY consent_current_of_client ON consent_current (bank, client, stream_id);
