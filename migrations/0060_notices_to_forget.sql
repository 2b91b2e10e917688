-- no-transaction
-- For the sweeper: WHERE effected_at < $1 AND content_sha256 IS NULL; and what a destruction forgets of contracts (0058).
CREATE INDEX CONCURRENTLY bank_notices_to_forget ON bank_notices (effected_at) WHERE content_sha256 IS NULL;
