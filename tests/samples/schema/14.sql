PRAGMA user_version = 14;
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'provider-monitor','m001_first','2026-11-30 00:36:43.428047+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'provider-monitor','m002_note','2026-11-30 00:36:43.433292+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'provider-monitor','m003_source','2026-11-30 00:36:43.439302+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'provider-monitor','m004_track','2026-11-30 00:36:43.440269+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'provider-monitor','m005_step','2026-11-30 00:36:43.447616+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'provider-monitor','m006_outcome','2026-11-30 00:36:43.449119+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'provider-monitor','m007_flapping','2026-11-30 00:36:43.455235+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'provider-monitor','m008_well','2026-11-30 00:36:43.463507+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'provider-monitor','m009_phase','2026-11-30 03:35:14.968751+00:00');
INSERT INTO "_sqlite_migrations" VALUES(10,'provider-monitor','m010_about_channel','2026-11-30 13:35:31.688173+00:00');
INSERT INTO "_sqlite_migrations" VALUES(11,'provider-monitor','m011_location','2026-11-30 13:58:49.137954+00:00');
INSERT INTO "_sqlite_migrations" VALUES(12,'provider-monitor','m012_incident_note','2026-11-30 20:25:41.864003+00:00');
INSERT INTO "_sqlite_migrations" VALUES(13,'provider-monitor','m013_daily_level','2026-11-30 21:41:22.493884+00:00');
INSERT INTO "_sqlite_migrations" VALUES(14,'provider-monitor','m014_outgoing','2026-12-01 09:38:29.366690+00:00');
CREATE TABLE answer (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        rule TEXT NOT NULL,
        confidence TEXT NOT NULL,
        words TEXT NOT NULL,
        body TEXT NOT NULL,
        first_at INTEGER NOT NULL
    , phase TEXT);
INSERT INTO "answer" VALUES(1,X'F5C2A112885D1C0E5B83E5C1E41B3A72','openai/x','medium','words','body',1795262400000,NULL);
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
CREATE TABLE change (
            location TEXT NOT NULL,
            id TEXT NOT NULL,
            incident_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL,
            incident TEXT NOT NULL,
            PRIMARY KEY (location, id),
            FOREIGN KEY (location, incident_id) REFERENCES incident (location, id)
        );
INSERT INTO "change" VALUES('here','20261121-120000-a30d277685.opened.1795262460000','20261121-120000-a30d277685','opened',1795262460000,'{"id":"20261121-120000-a30d277685","scope":"account","subject":"openai/main","fault":"account_suspended","severity":"critical","confidence":"high","opened_at":"2026-11-21T12:00:00Z","reasons":["why"],"targets":["t"],"evidence":[],"closed_at":null,"drill":false,"signal":false,"blamed":null,"parent":null,"detected_at":null,"announcement":null,"ending":"","covered":["t"],"widest":["account","openai/main"],"reasoned_at":null}');
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
CREATE TABLE daily_ceiling (
            series_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            unit TEXT NOT NULL,
            window INTEGER NOT NULL,
            most REAL NOT NULL,
            PRIMARY KEY (series_id, at, unit, window)
        ) WITHOUT ROWID
        ;
CREATE TABLE daily_credit (
            series_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            unit TEXT NOT NULL,
            remaining REAL NOT NULL,
            PRIMARY KEY (series_id, at, unit)
        ) WITHOUT ROWID
        ;
CREATE TABLE evidence (
        series_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        answer_id INTEGER NOT NULL REFERENCES answer (id),
        request_id TEXT,
        PRIMARY KEY (series_id, at)
    ) WITHOUT ROWID
    ;
INSERT INTO "evidence" VALUES(1,1795262400000,1,'req_1');
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
    , evidence TEXT, well INTEGER);
INSERT INTO "health" VALUES(1,'down',1795262460000,3,0,1795262460000,1795262580000,'account_suspended',401,'req_1',1,NULL,1795262520000,'{"weight":3.0,"since":"2026-11-21T12:01:00Z","looks":3,"failed":3,"lasting":true}',1795262400000);
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
CREATE TABLE incident (
            location TEXT NOT NULL,
            id TEXT NOT NULL,
            scope TEXT NOT NULL,
            subject TEXT NOT NULL,
            fault TEXT NOT NULL,
            severity TEXT NOT NULL,
            confidence TEXT NOT NULL,
            opened INTEGER NOT NULL,
            closed INTEGER,
            drill INTEGER NOT NULL,
            details TEXT NOT NULL,
            PRIMARY KEY (location, id)
        );
INSERT INTO "incident" VALUES('here','20261121-120000-a30d277685','account','openai/main','account_suspended','critical','high',1795262400000,NULL,0,'{"id":"20261121-120000-a30d277685","scope":"account","subject":"openai/main","fault":"account_suspended","severity":"critical","confidence":"high","opened_at":"2026-11-21T12:00:00Z","reasons":["why"],"targets":["t"],"evidence":[],"closed_at":null,"drill":false,"signal":false,"blamed":null,"parent":null,"detected_at":null,"announcement":null,"ending":"","covered":["t"],"widest":["account","openai/main"],"reasoned_at":null}');
CREATE TABLE incident_note (
            location TEXT NOT NULL,
            id TEXT NOT NULL,
            incident_id TEXT NOT NULL,
            at INTEGER NOT NULL,
            by TEXT NOT NULL,
            text TEXT NOT NULL,
            public INTEGER NOT NULL,
            PRIMARY KEY (location, id),
            FOREIGN KEY (location, incident_id) REFERENCES incident (location, id)
        ) WITHOUT ROWID
        ;
CREATE TABLE mark (
            location TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (location, name)
        ) WITHOUT ROWID
        ;
INSERT INTO "mark" VALUES('here','beat','1795262460000');
CREATE TABLE note (
            location TEXT NOT NULL, account TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (location, account)
        ) WITHOUT ROWID
        ;
CREATE TABLE observation (
        series_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        outcome INTEGER NOT NULL,
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
INSERT INTO "observation" VALUES(1,1795262400000,2,'account_suspended',401,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE outbox (
            id INTEGER PRIMARY KEY,
            location TEXT NOT NULL,
            incident_id TEXT,
            change_id TEXT,
            channel TEXT NOT NULL,
            step TEXT NOT NULL,
            number INTEGER NOT NULL,
            note TEXT NOT NULL,
            about_channel TEXT NOT NULL DEFAULT '',
            at INTEGER NOT NULL,
            state TEXT NOT NULL,
            tries INTEGER NOT NULL,
            next INTEGER NOT NULL,
            done INTEGER,
            error TEXT,
            FOREIGN KEY (location, incident_id) REFERENCES incident (location, id),
            FOREIGN KEY (location, change_id) REFERENCES change (location, id)
        );
INSERT INTO "outbox" VALUES(1,'here','20261121-120000-a30d277685','20261121-120000-a30d277685.opened.1795262460000','phone','opened',0,'','',1795262460000,'waiting',0,1795262460000,NULL,NULL);
CREATE TABLE outgoing (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE pool (
            location TEXT NOT NULL, id TEXT NOT NULL, pool TEXT NOT NULL, PRIMARY KEY (location, id)
        ) WITHOUT ROWID
        ;
CREATE TABLE reply (
            location TEXT NOT NULL,
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            at INTEGER NOT NULL,
            until INTEGER,
            details TEXT NOT NULL,
            PRIMARY KEY (location, id)
        ) WITHOUT ROWID
        ;
INSERT INTO "reply" VALUES('here','7ba5e0b9','acknowledge','20261121-120000-a30d277685',1795262450000,NULL,'{"kind":"acknowledge","at":"2026-11-21T12:00:50Z","by":"Jo","subject":"20261121-120000-a30d277685","match":null,"until":null,"reason":"","token":""}');
CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        location TEXT NOT NULL,
        provider TEXT NOT NULL,
        account TEXT NOT NULL,
        canary TEXT NOT NULL,
        model TEXT NOT NULL, place TEXT NOT NULL DEFAULT '',
        UNIQUE (location, account, canary, model)
    );
INSERT INTO "series" VALUES(1,'here','openai','openai/main','chat','gpt-5-nano','');
CREATE TABLE source (
            location TEXT NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (location, id)
        ) WITHOUT ROWID
        ;
CREATE TABLE spending (
            location TEXT NOT NULL,
            account TEXT NOT NULL,
            day TEXT NOT NULL,
            tokens INTEGER NOT NULL,
            usd REAL NOT NULL,
            PRIMARY KEY (location, account, day)
        ) WITHOUT ROWID
        ;
INSERT INTO "spending" VALUES('here','openai/main','2026-11-21',5,0.25);
CREATE TABLE track (series_id INTEGER PRIMARY KEY, track TEXT NOT NULL);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX incident_opened ON incident (location, opened);
CREATE INDEX change_incident ON change (location, incident_id, at);
CREATE UNIQUE INDEX outbox_once
    ON outbox (location, coalesce(change_id, ''), channel, step, number, note, about_channel)
    ;
CREATE INDEX outbox_incident ON outbox (location, incident_id, channel);
CREATE INDEX outbox_waiting ON outbox (location, channel, incident_id) WHERE state = 'waiting';
CREATE INDEX incident_note_incident ON incident_note (location, incident_id, at);
COMMIT;
