CREATE SCHEMA IF NOT EXISTS "crm";

CREATE SCHEMA IF NOT EXISTS "sales";

CREATE TABLE "crm"."Customer" (
  "id" BIGINT NOT NULL,
  "favorite" ENUM('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "crm"."Customer" IS 'Who buys from us.';

CREATE TABLE "crm"."Complaint" (
  "id" BIGINT NOT NULL,
  "customer" BIGINT NOT NULL,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("customer") REFERENCES "crm"."Customer" ("id")
);

CREATE TABLE "sales"."Parcel" (
  "id" BIGINT NOT NULL,
  "size" STRUCT("lat" DOUBLE, "lon" DOUBLE) NOT NULL,
  "wrapping" ENUM('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY ("id")
);
