-- A bank's ends in the order in which they were recorded: WHERE bank = $1 AND status IN ('expired',
-- 'revoked', 'superseded') AND changed_at >= $2 AND (changed_at, stream_id) > ($3, $4) ORDER BY changed_at,
-- stream_id. An end is final, so rows enter it once.
CREATE INDEX consent_current_ended ON consent_current (bank, changed_at, stream_id)
    WHERE status IN ('expired', 'revoked', 'superseded');
-- A partner's consents at a bank in the order in which they began, live or ended: WHERE bank = $1 AND
-- partner = $2 AND began_at < $3 AND (began_at, stream_id) > ($4, $5) ORDER BY began_at, stream_id.
CREATE INDEX consent_current_of_partner ON consent_current (bank, partner, began_at, stream_id);
