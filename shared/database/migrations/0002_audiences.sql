-- Audiences: what was uploaded, how far its import is, and the packed recipients.

CREATE TABLE audience (
    id             BINARY(16)   NOT NULL,
    name           VARCHAR(255) NOT NULL,
    state          VARCHAR(16)  NOT NULL, -- uploading, uploaded, importing, ready, refused, cancelled
    refusal        VARCHAR(512) NULL,     -- why the file was refused
    settings       JSON         NOT NULL, -- delimiter and encoding, where given
    uploaded_bytes BIGINT       NOT NULL,
    read_bytes     BIGINT       NOT NULL, -- by the import, of the uploaded ones
    records        BIGINT       NOT NULL, -- read, accepted or not
    size           BIGINT       NOT NULL, -- recipients accepted
    chunk_count    INT          NOT NULL,
    rejected       JSON         NOT NULL, -- rows by reason
    variables      JSON         NOT NULL, -- names of the template variables
    resume_from    JSON         NULL,     -- where the import goes on; its own words
    digest         BINARY(32)   NULL,     -- over the chunks' digests, once ready
    lease_token    BINARY(16)   NULL,
    leased_until   DATETIME(6)  NULL,
    created_at     DATETIME(6)  NOT NULL,
    updated_at     DATETIME(6)  NOT NULL,
    ready_at       DATETIME(6)  NULL,
    PRIMARY KEY (id)
);

CREATE INDEX audience_by_state ON audience (state, id);

CREATE TABLE upload_part (
    audience_id BINARY(16) NOT NULL,
    no          INT        NOT NULL, -- counted from 0
    size        INT        NOT NULL,
    sha256      BINARY(32) NOT NULL,
    bytes       MEDIUMBLOB NOT NULL, -- at most 1 MiB
    PRIMARY KEY (audience_id, no)
);

CREATE TABLE audience_chunk (
    audience_id BINARY(16)  NOT NULL,
    no          INT         NOT NULL, -- counted from 0
    size        INT         NOT NULL, -- recipients, tombstones of erased ones too
    time_zone   VARCHAR(64) NOT NULL, -- IANA name; empty: the campaign's
    digest      BINARY(32)  NOT NULL, -- as imported; an erasure does not change it
    recipients  MEDIUMBLOB  NOT NULL,
    PRIMARY KEY (audience_id, no)
);
