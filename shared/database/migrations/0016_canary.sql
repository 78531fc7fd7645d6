-- The canary: the first part of a campaign, which goes ahead of the others.

ALTER TABLE campaign ADD COLUMN canary JSON NULL; -- how much, and how well it has to go

ALTER TABLE campaign ADD COLUMN canary_state VARCHAR(8) NULL; -- open, passed, failed, waived
