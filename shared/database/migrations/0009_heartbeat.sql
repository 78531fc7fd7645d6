-- The load guard: how far a replica is behind.

-- One row: the primary's own time, written there every second or so by each process.
CREATE TABLE heartbeat (
    id        INT         NOT NULL, -- 1
    beaten_at DATETIME(6) NOT NULL,
    PRIMARY KEY (id)
);
