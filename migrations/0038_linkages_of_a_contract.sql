-- no-transaction
-- For the customer's page: every linkage of a contract, ended ones too.
CREATE INDEX CONCURRENTLY consent_current_contract ON consent_current (bank, contract);
