-- What went wrong between the stores, and what was answered to whom.

CREATE TABLE inconsistency (
    id          BINARY(16)   NOT NULL,
    intent_id   BINARY(16)   NOT NULL,
    campaign_id BINARY(16)   NOT NULL,
    chunk_no    INT          NOT NULL,
    kind        VARCHAR(32)  NOT NULL, -- how the second commit ended
    detail      VARCHAR(512) NOT NULL,
    state       VARCHAR(8)   NOT NULL, -- open, repaired, dead
    resolution  VARCHAR(512) NULL,     -- how it was repaired, or why it cannot be
    detected_at DATETIME(6)  NOT NULL,
    resolved_at DATETIME(6)  NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX inconsistency_by_intent ON inconsistency (intent_id);
CREATE INDEX inconsistency_by_state ON inconsistency (state, id);

CREATE TABLE idempotency (
    scope        VARCHAR(64) NOT NULL,
    key_hash     BINARY(32)  NOT NULL,
    request_hash BINARY(32)  NOT NULL, -- the same key with another request is refused
    status       INT         NOT NULL, -- of the HTTP answer
    response     JSON        NOT NULL,
    created_at   DATETIME(6) NOT NULL,
    PRIMARY KEY (scope, key_hash)
);

CREATE INDEX idempotency_by_age ON idempotency (created_at);
