CREATE SCHEMA "crm";

CREATE SCHEMA "sales";

CREATE TYPE "sales"."Point" AS (
  "lat" double precision,
  "lon" double precision
);
COMMENT ON TYPE "sales"."Point" IS 'A place on the map.';
COMMENT ON COLUMN "sales"."Point"."lat" IS 'Degrees north.';
COMMENT ON COLUMN "sales"."Point"."lon" IS 'Degrees east.';

CREATE TABLE "crm"."Customer" (
  "id" bigint NOT NULL,
  "favorite" varchar(64) NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Customer_favorite" CHECK ("favorite" IN ('red', 'green', 'blue'))
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
  "wrapping" varchar(64) NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Parcel_wrapping" CHECK ("wrapping" IN ('red', 'green', 'blue'))
);
