CREATE TABLE "Department" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL DEFAULT '',
  PRIMARY KEY ("id"),
  CONSTRAINT "uq_Department_name" UNIQUE ("name")
) STRICT;

CREATE TABLE "Telegram" (
  "id" INTEGER NOT NULL,
  "done" INTEGER NOT NULL DEFAULT 0 CHECK ("done" IN (0, 1)),
  "words" INTEGER NOT NULL DEFAULT 0,
  "costs" TEXT NOT NULL DEFAULT '0.00',
  "weight" REAL NOT NULL DEFAULT 0.0,
  "text" TEXT NOT NULL DEFAULT '',
  "code" TEXT NOT NULL DEFAULT '',
  "raw" BLOB NOT NULL DEFAULT X'',
  "day" TEXT NOT NULL DEFAULT '0001-01-01',
  "sent" TEXT NOT NULL DEFAULT '0001-01-01T00:00:00',
  "clock" TEXT NOT NULL DEFAULT '00:00:00',
  "lasted" INTEGER NOT NULL DEFAULT 0,
  "token" BLOB NOT NULL DEFAULT X'00000000000000000000000000000000',
  "plan" TEXT NOT NULL DEFAULT 'free',
  "stars" INTEGER NOT NULL DEFAULT 1,
  "office" INTEGER NOT NULL,
  "title" TEXT NOT NULL DEFAULT 'STOP',
  "memo" TEXT,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Telegram_office" FOREIGN KEY ("office") REFERENCES "Department" ("id"),
  CONSTRAINT "ch_Telegram_plan" CHECK ("plan" IN ('free', 'team')),
  CONSTRAINT "ch_Telegram_stars" CHECK ("stars" BETWEEN 1 AND 5)
) STRICT;
