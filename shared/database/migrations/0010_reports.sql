-- Reports: what became of each row of an audience file, or of each recipient of a campaign.

CREATE TABLE report (
    id           BINARY(16)  NOT NULL, -- that of the audience, or one of its own
    subject      VARCHAR(16) NOT NULL, -- audience, campaign
    subject_id   BINARY(16)  NOT NULL,
    state        VARCHAR(16) NOT NULL, -- making, ready
    size         BIGINT      NOT NULL, -- bytes in its parts
    resume_from  JSON        NULL,     -- where its making goes on; its own words
    lease_token  BINARY(16)  NULL,     -- of who makes it, where nothing else says who may
    leased_until DATETIME(6) NULL,
    created_at   DATETIME(6) NOT NULL,
    ready_at     DATETIME(6) NULL,
    expires_at   DATETIME(6) NULL,     -- once it is ready
    PRIMARY KEY (id)
);

CREATE INDEX report_by_state ON report (state, expires_at, id);
CREATE INDEX report_by_subject ON report (subject_id, id);

CREATE TABLE report_part (
    report_id BINARY(16) NOT NULL,
    start     BIGINT     NOT NULL, -- where in the file it begins, in bytes
    bytes     MEDIUMBLOB NOT NULL, -- at most 1 MiB
    PRIMARY KEY (report_id, start)
);
