-- How fast campaigns go: what was done at two moments, half a minute apart or more.

CREATE TABLE campaign_pace (
    campaign_id       BINARY(16)  NOT NULL,
    before_at         DATETIME(6) NOT NULL,
    before_expanded   BIGINT      NOT NULL, -- pushes that were expanded then
    before_settled    BIGINT      NOT NULL, -- pushes that were final then
    taken_at          DATETIME(6) NOT NULL,
    taken_expanded    BIGINT      NOT NULL,
    taken_settled     BIGINT      NOT NULL,
    fastest_expansion BIGINT      NULL,     -- pushes a second, between any two such moments
    fastest_delivery  BIGINT      NULL,
    PRIMARY KEY (campaign_id)
);
