-- Public events name accounts and contracts as the partner knows them, under the key `pairwise`. The
-- relay reads that one wrapped key and none of the others.
CREATE VIEW pairwise_key AS SELECT key_wrapped, key_nonce FROM shared_keys WHERE name = 'pairwise';

DO $$
DECLARE prefix text := current_setting('renkei.role_prefix');
BEGIN
    EXECUTE format('GRANT SELECT ON pairwise_key TO %I', prefix || '_relay');
END
$$;
