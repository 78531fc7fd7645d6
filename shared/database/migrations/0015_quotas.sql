-- Quotas: what may be sent in a minute, and which process may send how much of it.

CREATE TABLE quota (
    name       VARCHAR(255) NOT NULL, -- of a gateway's project, or of a campaign
    per_minute BIGINT       NOT NULL, -- as whoever asked last has it configured
    allowed    INT          NOT NULL, -- of a thousand; less where the gateway says that it is too much
    pressed_at DATETIME(6)  NOT NULL, -- when it said so last
    held_until DATETIME(6)  NOT NULL, -- from then on more and more is allowed
    PRIMARY KEY (name)
);

-- One row a process and quota, written every second and never for a single message.
CREATE TABLE quota_share (
    name        VARCHAR(255) NOT NULL,
    holder      BINARY(16)   NOT NULL, -- of one life of a process
    per_minute  BIGINT       NOT NULL,
    fast_demand BIGINT       NOT NULL, -- what it could send in a minute
    bulk_demand BIGINT       NOT NULL,
    lives_until DATETIME(6)  NOT NULL, -- for others; for its holder it ends before
    PRIMARY KEY (name, holder)
);

ALTER TABLE campaign ADD COLUMN max_per_second INT NULL; -- messages; as many as can be without
