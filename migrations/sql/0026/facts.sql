-- Facts about one object are reacted to in their order.
ALTER TABLE outbox ADD COLUMN about uuid;
CREATE INDEX outbox_about ON outbox (about, id) WHERE about IS NOT NULL;
