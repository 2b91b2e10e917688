-- no-transaction
-- The walk of 0058: WHERE split_part(stream_id, ':', 1) = $1 AND stream_id > $2 AND standing = 'ended' ORDER BY stream_id.
CREATE INDEX CONCURRENTLY contract_current_closed ON contract_current (split_part(stream_id, ':', 1), stream_id)
    WHERE standing = 'ended';
