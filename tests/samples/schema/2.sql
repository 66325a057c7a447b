PRAGMA user_version = 2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO _sqlite_migrations VALUES(1,'provider-monitor','m001_first','2026-11-30 00:36:29.416720+00:00');
INSERT INTO _sqlite_migrations VALUES(2,'provider-monitor','m002_note','2026-11-30 00:36:29.419826+00:00');
CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        location TEXT NOT NULL,
        provider TEXT NOT NULL,
        account TEXT NOT NULL,
        canary TEXT NOT NULL,
        model TEXT NOT NULL,
        UNIQUE (location, account, canary, model)
    );
INSERT INTO series VALUES(1,'here','openai','openai/main','chat','gpt-5-nano');
CREATE TABLE observation (
        series_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        fault TEXT,
        status INTEGER,
        latency INTEGER,
        ttft INTEGER,
        tokens_in INTEGER,
        tokens_out INTEGER,
        cost INTEGER,
        PRIMARY KEY (series_id, at)
    ) WITHOUT ROWID
    ;
INSERT INTO observation VALUES(1,1795262400000,'failed','account_suspended',401,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE answer (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        rule TEXT NOT NULL,
        confidence TEXT NOT NULL,
        words TEXT NOT NULL,
        body TEXT NOT NULL,
        first_at INTEGER NOT NULL
    );
INSERT INTO answer VALUES(1,X'f5c2a112885d1c0e5b83e5c1e41b3a72','openai/x','medium','words','body',1795262400000);
CREATE TABLE evidence (
        series_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        answer_id INTEGER NOT NULL REFERENCES answer (id),
        request_id TEXT,
        PRIMARY KEY (series_id, at)
    ) WITHOUT ROWID
    ;
INSERT INTO evidence VALUES(1,1795262400000,1,'req_1');
CREATE TABLE ceiling (
        series_id INTEGER NOT NULL,
        unit TEXT NOT NULL,
        window INTEGER NOT NULL,
        most REAL,
        remaining REAL,
        since INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (series_id, unit, window)
    ) WITHOUT ROWID
    ;
CREATE TABLE health (
        series_id INTEGER PRIMARY KEY,
        state TEXT NOT NULL,
        since INTEGER,
        failures INTEGER NOT NULL,
        successes INTEGER NOT NULL,
        began INTEGER,
        seen INTEGER,
        fault TEXT,
        status INTEGER,
        request_id TEXT,
        answer_id INTEGER REFERENCES answer (id),
        reason TEXT,
        next INTEGER
    );
INSERT INTO health VALUES(1,'down',1795262460000,3,0,1795262460000,1795262580000,'account_suspended',401,'req_1',1,NULL,1795262520000);
CREATE TABLE spending (
        account TEXT NOT NULL,
        day TEXT NOT NULL,
        tokens INTEGER NOT NULL,
        usd REAL NOT NULL,
        PRIMARY KEY (account, day)
    ) WITHOUT ROWID
    ;
INSERT INTO spending VALUES('openai/main','2026-11-21',5,0.25);
CREATE TABLE incident (
        id TEXT PRIMARY KEY,
        scope TEXT NOT NULL,
        subject TEXT NOT NULL,
        fault TEXT NOT NULL,
        severity TEXT NOT NULL,
        confidence TEXT NOT NULL,
        opened INTEGER NOT NULL,
        closed INTEGER,
        drill INTEGER NOT NULL,
        details TEXT NOT NULL
    );
INSERT INTO incident VALUES('20261121-120000-b8553d','account','openai/main','account_suspended','critical','high',1795262400000,NULL,0,'{"id":"20261121-120000-b8553d","scope":"account","subject":"openai/main","fault":"account_suspended","severity":"critical","confidence":"high","opened_at":"2026-11-21T12:00:00Z","reasons":["why"],"targets":["t"],"evidence":[],"closed_at":null,"drill":false,"signal":false}');
CREATE TABLE change (
        id TEXT PRIMARY KEY,
        incident_id TEXT NOT NULL REFERENCES incident (id),
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        incident TEXT NOT NULL
    );
INSERT INTO change VALUES('20261121-120000-b8553d.opened.1795262460000','20261121-120000-b8553d','opened',1795262460000,'{"id":"20261121-120000-b8553d","scope":"account","subject":"openai/main","fault":"account_suspended","severity":"critical","confidence":"high","opened_at":"2026-11-21T12:00:00Z","reasons":["why"],"targets":["t"],"evidence":[],"closed_at":null,"drill":false,"signal":false}');
CREATE TABLE outbox (
        id INTEGER PRIMARY KEY,
        change_id TEXT NOT NULL REFERENCES change (id),
        channel TEXT NOT NULL,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL,
        next INTEGER NOT NULL,
        done INTEGER,
        error TEXT,
        UNIQUE (change_id, channel)
    );
INSERT INTO outbox VALUES(1,'20261121-120000-b8553d.opened.1795262460000','phone','waiting',0,1795262460000,NULL,NULL);
CREATE TABLE hourly (
            series_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            ok INTEGER NOT NULL,
            degraded INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            unknown INTEGER NOT NULL,
            latency BLOB,
            ttft BLOB,
            PRIMARY KEY (series_id, at)
        ) WITHOUT ROWID
        ;
CREATE TABLE daily (
            series_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            ok INTEGER NOT NULL,
            degraded INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            unknown INTEGER NOT NULL,
            latency BLOB,
            ttft BLOB,
            PRIMARY KEY (series_id, at)
        ) WITHOUT ROWID
        ;
CREATE TABLE mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO mark VALUES('beat','1795262460000');
CREATE TABLE note (
            location TEXT NOT NULL, account TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (location, account)
        ) WITHOUT ROWID
        ;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX incident_opened ON incident (opened);
CREATE INDEX change_incident ON change (incident_id, at);
CREATE INDEX outbox_waiting ON outbox (next) WHERE state = 'waiting';
COMMIT;
