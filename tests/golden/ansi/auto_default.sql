CREATE TABLE "Department" (
  "id" integer NOT NULL,
  "name" varchar(50) DEFAULT '' NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "uq_Department_name" UNIQUE ("name")
);

CREATE TABLE "Telegram" (
  "id" bigint NOT NULL,
  "done" boolean DEFAULT FALSE NOT NULL,
  "words" integer DEFAULT 0 NOT NULL,
  "costs" decimal(10, 2) DEFAULT 0 NOT NULL,
  "weight" double precision DEFAULT 0.0 NOT NULL,
  "text" text DEFAULT '' NOT NULL,
  "code" varchar(5) DEFAULT '' NOT NULL,
  "raw" varbinary(8) DEFAULT X'' NOT NULL,
  "day" date DEFAULT DATE '0001-01-01' NOT NULL,
  "sent" timestamp(6) DEFAULT TIMESTAMP '0001-01-01 00:00:00' NOT NULL,
  "clock" time(6) DEFAULT TIME '00:00:00' NOT NULL,
  "lasted" interval day(9) to second(6) DEFAULT INTERVAL '0 00:00:00' DAY(9) TO SECOND(6) NOT NULL,
  "token" char(36) DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
  "plan" varchar(64) DEFAULT 'free' NOT NULL,
  "stars" bigint DEFAULT 1 NOT NULL,
  "office" integer NOT NULL,
  "title" text DEFAULT 'STOP' NOT NULL,
  "memo" text,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Telegram_office" FOREIGN KEY ("office") REFERENCES "Department" ("id"),
  CONSTRAINT "ch_Telegram_plan" CHECK ("plan" IN ('free', 'team')),
  CONSTRAINT "ch_Telegram_stars" CHECK ("stars" BETWEEN 1 AND 5)
);
