CREATE SCHEMA IF NOT EXISTS "crm";

CREATE SCHEMA IF NOT EXISTS "sales";

CREATE TYPE "crm"."Color" AS ENUM ('red', 'green', 'blue');
COMMENT ON TYPE "crm"."Color" IS 'The colors that we print in.';

CREATE TABLE "crm"."Customer" (
  "id" bigint NOT NULL,
  "favorite" "crm"."Color" NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "crm"."Customer" IS 'Who buys from us.';

CREATE TABLE "sales"."Order" (
  "id" bigint NOT NULL,
  "customer" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Order_customer" FOREIGN KEY ("customer") REFERENCES "crm"."Customer" ("id")
);
