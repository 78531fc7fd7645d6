-- Feedback: addresses that a gateway called gone or wrong, for the company's own systems.

-- An outbox: a row is written in the transaction that removes the address.
CREATE TABLE feedback (
    id         BINARY(16)   NOT NULL,
    fate       VARCHAR(8)   NOT NULL, -- gone, wrong
    user_id    VARCHAR(128) NOT NULL,
    kind       VARCHAR(16)  NOT NULL, -- of the address, as in device
    address    TEXT         NOT NULL,
    noticed_at DATETIME(6)  NOT NULL,
    state      VARCHAR(8)   NOT NULL, -- of the webhook: open, sent, dead
    attempts   INT          NOT NULL,
    due_at     DATETIME(6)  NOT NULL, -- of the next attempt, while it is open
    PRIMARY KEY (id)
);

CREATE INDEX feedback_by_state ON feedback (state, due_at);
CREATE INDEX feedback_by_user ON feedback (user_id);
