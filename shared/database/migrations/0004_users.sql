-- Users: their devices, and what they do not want.

CREATE TABLE device (
    id            BINARY(16)   NOT NULL,
    user_id       VARCHAR(128) NOT NULL,
    kind          VARCHAR(16)  NOT NULL, -- fcm_token, fcm_fid, apns, web_push
    address       TEXT         NOT NULL,
    address_hash  BINARY(32)   NOT NULL, -- SHA-256 of the address
    extra         JSON         NULL,     -- what the gateway needs besides, such as keys
    registered_at DATETIME(6)  NOT NULL,
    PRIMARY KEY (id)
);

-- One address belongs to one user.
CREATE UNIQUE INDEX device_by_address ON device (address_hash, kind);
CREATE INDEX device_by_user ON device (user_id, id);

CREATE TABLE opt_out (
    user_id VARCHAR(128) NOT NULL,
    since   DATETIME(6)  NOT NULL,
    PRIMARY KEY (user_id)
);

CREATE TABLE erasure (
    user_id      VARCHAR(128) NOT NULL,
    state        VARCHAR(8)   NOT NULL, -- open, done
    resume_from  JSON         NULL,     -- how far it is; its own words
    requested_at DATETIME(6)  NOT NULL,
    done_at      DATETIME(6)  NULL,
    PRIMARY KEY (user_id)
);

CREATE INDEX erasure_by_state ON erasure (state, user_id);
