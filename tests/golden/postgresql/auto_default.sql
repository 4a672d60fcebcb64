CREATE TYPE "Plan" AS ENUM ('free', 'team');
COMMENT ON TYPE "Plan" IS 'What a customer pays for.';

CREATE TABLE "Department" (
  "id" integer NOT NULL,
  "name" varchar(50) NOT NULL DEFAULT '',
  PRIMARY KEY ("id"),
  CONSTRAINT "uq_Department_name" UNIQUE ("name")
);

CREATE TABLE "Telegram" (
  "id" bigint NOT NULL,
  "done" boolean NOT NULL DEFAULT false,
  "words" integer NOT NULL DEFAULT 0,
  "costs" numeric(10, 2) NOT NULL DEFAULT 0,
  "weight" double precision NOT NULL DEFAULT 0.0,
  "text" text NOT NULL DEFAULT '',
  "code" varchar(5) NOT NULL DEFAULT '',
  "raw" bytea NOT NULL DEFAULT E'\\x',
  "day" date NOT NULL DEFAULT '0001-01-01',
  "sent" timestamp NOT NULL DEFAULT '0001-01-01 00:00:00',
  "clock" time NOT NULL DEFAULT '00:00:00',
  "lasted" interval NOT NULL DEFAULT '00:00:00',
  "token" uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  "plan" "Plan" NOT NULL DEFAULT 'free',
  "stars" bigint NOT NULL DEFAULT 1,
  "office" integer NOT NULL,
  "title" text NOT NULL DEFAULT 'STOP',
  "memo" text,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Telegram_office" FOREIGN KEY ("office") REFERENCES "Department" ("id"),
  CONSTRAINT "ch_Telegram_stars" CHECK ("stars" BETWEEN 1 AND 5)
);
