-- A database as `rescind serve` made it before it counted versions.
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL,
    key   TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
);
CREATE TABLE IF NOT EXISTS rescind_component (
    digest     TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    kept_at_ms INTEGER NOT NULL,
    bytes      BLOB NOT NULL
);
INSERT INTO spin_key_value (store, key, value) VALUES ('default', 'sale:M-1:S-1', x'7b2266223a2273616c652f32227d');
INSERT INTO rescind_component (digest, name, kept_at_ms, bytes) VALUES
    ('13a71f352a9c135c0307362dd565f629ea2b085362011c023a31da95d1b3ac2d', 'refunds', 1790000000000,
     x'0061736d2c20617320746865206669727374206275696c64206d616465206974');
