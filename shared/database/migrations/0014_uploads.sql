-- Uploads in parts: what was said of a file when its upload was begun.

CREATE TABLE upload (
    audience_id BINARY(16) NOT NULL,
    size        BIGINT     NULL, -- bytes of the whole file
    parts       INT        NULL,
    PRIMARY KEY (audience_id)
);
