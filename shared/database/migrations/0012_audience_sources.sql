-- Audiences that are made of others.

ALTER TABLE audience ADD COLUMN base_id BINARY(16) NULL; -- the audience of which it is a new version
ALTER TABLE audience ADD COLUMN sources JSON NULL;       -- the lists that it is made of; none: its file alone
