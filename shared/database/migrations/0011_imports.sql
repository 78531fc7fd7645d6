-- Imports: what an audience's import has left to do, and what lies between its steps.

-- sort, merge, report; none where nothing is left to do, or nothing to begin with.
ALTER TABLE audience ADD COLUMN phase VARCHAR(8) NULL;
-- How far the phase is, of its end: bytes of the file, or partitions.
ALTER TABLE audience ADD COLUMN phase_done BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audience ADD COLUMN phase_end BIGINT NOT NULL DEFAULT 0;
-- When its import was last claimed: whoever waits longest is next.
ALTER TABLE audience ADD COLUMN served_at DATETIME(6) NULL;
-- Since when a person holds its import.
ALTER TABLE audience ADD COLUMN paused_at DATETIME(6) NULL;

CREATE INDEX audience_by_phase ON audience (phase, served_at, id);

UPDATE audience SET phase = 'sort' WHERE state IN ('uploaded', 'importing');

-- The secret under which user ids are hashed, one for the installation: the same file becomes the
-- same chunks.
CREATE TABLE import_key (
    id    INT        NOT NULL, -- 1
    bytes BINARY(16) NOT NULL,
    PRIMARY KEY (id)
);

-- Beside the files: an import that is under way.
CREATE TABLE import_work (
    audience_id BINARY(16) NOT NULL,
    settings    JSON       NOT NULL, -- with which it began; its own words
    sorted      INT        NOT NULL, -- batches
    merged      INT        NOT NULL, -- partitions
    resume_from JSON       NULL,     -- where sorting goes on; its own words
    PRIMARY KEY (audience_id)
);

CREATE TABLE import_run (
    audience_id BINARY(16)  NOT NULL,
    kind        VARCHAR(16) NOT NULL, -- rows, included, excluded, required, carried, duplicates
    place       INT         NOT NULL, -- partition; of duplicates, the stretch of lines
    no          INT         NOT NULL, -- in the order of the file; of duplicates, the partition
    bytes       MEDIUMBLOB  NOT NULL, -- at most 1 MiB
    PRIMARY KEY (audience_id, kind, place, no)
);
