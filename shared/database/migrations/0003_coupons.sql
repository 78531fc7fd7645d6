-- Coupons. The first two tables are the main database's; the other three belong to the shard
-- that holds a user's grants.

CREATE TABLE coupon (
    id          BINARY(16)   NOT NULL,
    name        VARCHAR(255) NOT NULL,
    stock       BIGINT       NULL,     -- unlimited
    reserved    BIGINT       NOT NULL, -- over all stock_reservation: amount less what was returned
    valid_from  DATETIME(6)  NULL,
    valid_until DATETIME(6)  NULL,
    created_at  DATETIME(6)  NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE stock_reservation (
    campaign_id BINARY(16)  NOT NULL,
    chunk_no    INT         NOT NULL,
    shard       INT         NOT NULL,
    coupon_id   BINARY(16)  NOT NULL,
    amount      INT         NOT NULL,
    returned    INT         NULL,     -- set once, when the shard's side is closed
    reserved_at DATETIME(6) NOT NULL,
    PRIMARY KEY (campaign_id, chunk_no, shard)
);

-- Locked by every transaction that grants for the chunk.
CREATE TABLE chunk_grants (
    campaign_id BINARY(16) NOT NULL,
    chunk_no    INT        NOT NULL,
    coupon_id   BINARY(16) NOT NULL,
    reserved    INT        NOT NULL,
    used        INT        NOT NULL,
    closed      BOOLEAN    NOT NULL, -- for good: nothing is granted for the chunk any more
    PRIMARY KEY (campaign_id, chunk_no)
);

CREATE TABLE coupon_grant (
    campaign_id BINARY(16)   NOT NULL,
    user_id     VARCHAR(128) NOT NULL,
    coupon_id   BINARY(16)   NOT NULL,
    chunk_no    INT          NOT NULL,
    intent_id   BINARY(16)   NOT NULL,
    granted_at  DATETIME(6)  NOT NULL,
    PRIMARY KEY (campaign_id, user_id)
);

CREATE INDEX coupon_grant_by_user ON coupon_grant (user_id, campaign_id);

-- The durable promise that Datastore will follow; written with the grants.
CREATE TABLE intent (
    id          BINARY(16)   NOT NULL,
    campaign_id BINARY(16)   NOT NULL,
    chunk_no    INT          NOT NULL,
    users       BINARY(64)   NOT NULL, -- bit map over the chunk's recipients
    state       VARCHAR(8)   NOT NULL, -- open, closed, dead
    attempts    INT          NOT NULL, -- to repair it
    due_at      DATETIME(6)  NOT NULL, -- when it next needs attention, or its lease runs out
    lease_token BINARY(16)   NULL,
    last_error  VARCHAR(512) NULL,
    created_at  DATETIME(6)  NOT NULL,
    closed_at   DATETIME(6)  NULL,
    PRIMARY KEY (id)
);

CREATE INDEX intent_by_due ON intent (state, due_at);
CREATE INDEX intent_by_campaign ON intent (campaign_id, state);
