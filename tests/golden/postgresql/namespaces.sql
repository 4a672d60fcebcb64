CREATE SCHEMA IF NOT EXISTS "crm";

CREATE SCHEMA IF NOT EXISTS "sales";

CREATE TYPE "crm"."Color" AS ENUM ('red', 'green', 'blue');
COMMENT ON TYPE "crm"."Color" IS 'The colors that we print in.';

CREATE TYPE "sales"."Color" AS ENUM ('red', 'green', 'blue');
COMMENT ON TYPE "sales"."Color" IS 'The colors that we print in.';

CREATE TYPE "sales"."Point" AS (
  "lat" double precision,
  "lon" double precision
);
COMMENT ON TYPE "sales"."Point" IS 'A place on the map.';
COMMENT ON COLUMN "sales"."Point"."lat" IS 'Degrees north.';
COMMENT ON COLUMN "sales"."Point"."lon" IS 'Degrees east.';

CREATE TABLE "crm"."Customer" (
  "id" bigint NOT NULL,
  "favorite" "crm"."Color" NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "crm"."Customer" IS 'Who buys from us.';

CREATE TABLE "crm"."Complaint" (
  "id" bigint NOT NULL,
  "customer" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Complaint_customer" FOREIGN KEY ("customer") REFERENCES "crm"."Customer" ("id")
);

CREATE TABLE "sales"."Parcel" (
  "id" bigint NOT NULL,
  "size" "sales"."Point" NOT NULL,
  "wrapping" "sales"."Color" NOT NULL,
  PRIMARY KEY ("id")
);
