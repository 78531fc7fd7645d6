-- What became of each inconsistency, step by step, and those of one campaign.

CREATE TABLE inconsistency_event (
    inconsistency_id BINARY(16)   NOT NULL,
    id               BINARY(16)   NOT NULL,
    state            VARCHAR(8)   NOT NULL, -- what it became: open (again), repaired, dead
    detail           VARCHAR(512) NOT NULL,
    occurred_at      DATETIME(6)  NOT NULL,
    PRIMARY KEY (inconsistency_id, id)
);

INSERT INTO inconsistency_event (inconsistency_id, id, state, detail, occurred_at)
SELECT id, id, state, resolution, resolved_at FROM inconsistency WHERE resolved_at IS NOT NULL;

CREATE INDEX inconsistency_by_campaign ON inconsistency (campaign_id, state, id);
