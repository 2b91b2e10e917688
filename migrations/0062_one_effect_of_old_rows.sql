-- What 0057 says of a bank's notices holds for the rows of before, too: looked at without a lock against writes.
ALTER TABLE bank_notices VALIDATE CONSTRAINT bank_notices_said;
ALTER TABLE bank_notices VALIDATE CONSTRAINT bank_notices_over;
-- 0060 has taken its place: it held all that were complete.
DROP INDEX bank_notices_effected;
