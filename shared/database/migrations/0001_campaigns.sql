-- What people decided about campaigns, and the totals shown to them.
-- Written once for MySQL, MariaDB and SQLite: keys come from the application, indexes are
-- statements of their own.

CREATE TABLE campaign (
    id            BINARY(16)   NOT NULL,
    name          VARCHAR(255) NOT NULL,
    kind          VARCHAR(16)  NOT NULL, -- broadcast, triggered
    state         VARCHAR(16)  NOT NULL, -- draft, scheduled, running, paused, finished, cancelled, failed
    reason        VARCHAR(255) NULL,     -- why it failed
    lane          VARCHAR(8)   NOT NULL, -- fast, bulk
    audience_id   BINARY(16)   NULL,     -- none for a triggered campaign
    coupon_id     BINARY(16)   NULL,
    coupon_for    VARCHAR(16)  NOT NULL, -- all, reachable
    message       JSON         NOT NULL,
    schedule      JSON         NOT NULL,
    starts_at     DATETIME(6)  NULL,
    expires_at    DATETIME(6)  NULL,
    audience_size BIGINT       NOT NULL,
    chunk_count   INT          NOT NULL,
    version       INT          NOT NULL, -- counts the changes of the draft
    created_at    DATETIME(6)  NOT NULL,
    updated_at    DATETIME(6)  NOT NULL,
    started_at    DATETIME(6)  NULL,
    ended_at      DATETIME(6)  NULL,
    reconciled_at DATETIME(6)  NULL,     -- from here on nothing is left to be done for it
    pruned_at     DATETIME(6)  NULL,     -- from here on nothing is written for it
    PRIMARY KEY (id)
);

CREATE INDEX campaign_by_state ON campaign (state, id);
CREATE INDEX campaign_by_reconciliation ON campaign (reconciled_at, id);

CREATE TABLE control (
    name  VARCHAR(64)  NOT NULL, -- global_stop
    value VARCHAR(255) NOT NULL,
    PRIMARY KEY (name)
);

-- Counts per chunk, replaced as one from the chunk's own truth in Datastore.
CREATE TABLE chunk_tally (
    campaign_id BINARY(16) NOT NULL,
    chunk_no    INT        NOT NULL,
    version     BIGINT     NOT NULL, -- of the chunk entity these counts were read from
    size        INT        NOT NULL, -- pushes, final ones too
    pending     INT        NOT NULL,
    granted     INT        NOT NULL,
    closed      BOOLEAN    NOT NULL, -- for good: done or cancelled
    PRIMARY KEY (campaign_id, chunk_no)
);

-- The final ones, by the reason, which tells the state.
CREATE TABLE chunk_reason (
    campaign_id BINARY(16)  NOT NULL,
    chunk_no    INT         NOT NULL,
    reason      VARCHAR(64) NOT NULL,
    pushes      INT         NOT NULL,
    PRIMARY KEY (campaign_id, chunk_no, reason)
);
