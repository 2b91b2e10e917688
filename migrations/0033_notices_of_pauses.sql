-- Customers are told of suspensions, of their end, and of a consent's end that comes nearer.
ALTER TABLE notices DROP CONSTRAINT notices_kind_check;
ALTER TABLE notices ADD CONSTRAINT notices_kind_check CHECK (kind IN
    ('linked', 'changed', 'ended', 'login_locked', 'pin_locked', 'suspended', 'restored', 'expiring'));
-- When the consent ends; of expiring.
ALTER TABLE notices ADD COLUMN ends_at timestamptz CHECK ((ends_at IS NULL) OR kind = 'expiring');
