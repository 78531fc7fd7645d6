-- Addresses that are known to be of no use, and those that end by themselves.

-- Since when its gateway calls it wrong: it is kept, and not sent to until it is registered again.
ALTER TABLE device ADD COLUMN quarantined_at DATETIME(6) NULL;
-- When it ends by itself, if it does.
ALTER TABLE device ADD COLUMN expires_at DATETIME(6) NULL;

CREATE INDEX device_by_expiry ON device (expires_at);
