-- The fan-out: which process expands which chunks, and how fast.

CREATE TABLE fan_out_progress (
    campaign_id BINARY(16) NOT NULL,
    begun       INT        NOT NULL, -- stripes that were ever leased: all below this number
    PRIMARY KEY (campaign_id)
);

-- Stripes that are begun and not done; a row goes when its stripe is done.
CREATE TABLE fan_out_stripe (
    campaign_id  BINARY(16)  NOT NULL,
    no           INT         NOT NULL, -- of 64 chunks each, counted from 0
    low_water    INT         NOT NULL, -- every chunk of it below this number is expanded
    lease_token  BINARY(16)  NULL,
    leased_until DATETIME(6) NULL,
    PRIMARY KEY (campaign_id, no)
);

-- How far a store's cold key ranges are warmed up.
CREATE TABLE ramp (
    store      VARCHAR(255) NOT NULL, -- project/database/namespace
    elapsed_us BIGINT       NOT NULL, -- time on the ramp, in microseconds
    free_at    DATETIME(6)  NOT NULL, -- when the writes that were let through are written
    PRIMARY KEY (store)
);
