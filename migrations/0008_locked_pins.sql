-- For the sweeper: locked PIN scopes, to see that each lock is a fact of its contract too.
CREATE INDEX guess_counters_locked_pins ON guess_counters (touched_at)
    WHERE kind = 'pin' AND locked_until IS NOT NULL;
