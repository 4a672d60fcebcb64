CREATE TYPE "Plan" AS ENUM ('free', 'team');
COMMENT ON TYPE "Plan" IS 'What a customer pays for.';

CREATE TYPE "Subscription_renewal" AS ENUM ('monthly', 'yearly');

CREATE TABLE "Subscription" (
  "id" bigint NOT NULL,
  "plan" "Plan" NOT NULL DEFAULT 'free',
  "renewal" "Subscription_renewal" NOT NULL DEFAULT 'yearly',
  "active" boolean NOT NULL DEFAULT true,
  "seats" bigint NOT NULL DEFAULT 1,
  "balance" bigint NOT NULL DEFAULT -5,
  "discount" double precision NOT NULL DEFAULT 0.25,
  "price" numeric(10, 2) NOT NULL DEFAULT 9.90,
  "currency" varchar(3) NOT NULL DEFAULT 'EUR',
  "title" text NOT NULL DEFAULT 'untitled',
  "seal" bytea NOT NULL DEFAULT E'\\x00ff275c',
  "begins" date NOT NULL DEFAULT '2024-02-29',
  "signed" timestamp NOT NULL DEFAULT '2024-02-29 12:30:00.250000',
  "counted_from" timestamptz NOT NULL DEFAULT '2024-01-01 00:00:00+00:00',
  "reminder" time NOT NULL DEFAULT '08:15:00',
  "notice" interval NOT NULL DEFAULT '726:00:00',
  "owner" uuid NOT NULL DEFAULT '00000000-0000-4000-8000-000000000001',
  "server" inet NOT NULL DEFAULT '127.0.0.1',
  "settings" jsonb NOT NULL DEFAULT '"none"',
  "ends" date,
  "comment" text,
  "rating" bigint DEFAULT 3,
  PRIMARY KEY ("id")
);
