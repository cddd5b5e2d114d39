-- What applies to a file depends on when it was given: the plan says by which version it judged each entry, and strays are
-- as old as the order that they lie beside.
ALTER TABLE lifecycle.item ADD COLUMN policy_version text;
COMMENT ON COLUMN lifecycle.item.policy_version IS 'Version of the policy whose rule applies to it; null in plans from before versions were told apart. Unit: none. Category: none.';
GRANT SELECT (created_at) ON studio.orders TO studio_reader, studio_observer;
