-- A database as Spin 4.1 makes it, with what the gateway wrote into it.
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS spin_key_value (
                   store TEXT NOT NULL,
                   key   TEXT NOT NULL,
                   value BLOB NOT NULL,

                   PRIMARY KEY (store, key)
                );
INSERT INTO spin_key_value (store, key, value) VALUES
    ('default', 'sale:M-1:S-1', x'0000000000000007'),
    ('default', 'sale:M-1:S-1#07', x'7b2266223a2273616c652f32227d'),
    ('default', 'empty', x'');
