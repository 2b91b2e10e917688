-- By what a customer logged in to 「API連携の確認・解除」. Rows from before certificates were taken there, and
-- those of a replica that does not know of them, are logins by ログインID.
ALTER TABLE customer_sessions
    ADD COLUMN method text NOT NULL DEFAULT 'password' CHECK (method IN ('password', 'certificate'));

DO $$
BEGIN
    EXECUTE format('GRANT SELECT (method) ON customer_sessions TO %I',
        current_setting('renkei.role_prefix') || '_auditor');
END
$$;
