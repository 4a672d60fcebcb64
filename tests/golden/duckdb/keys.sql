CREATE TABLE "Seat" (
  "hall" VARCHAR NOT NULL,
  "row" SMALLINT NOT NULL,
  "number" SMALLINT NOT NULL,
  "barcode" VARCHAR NOT NULL,
  "inventory" BIGINT,
  "floor" SMALLINT NOT NULL,
  "desk" SMALLINT NOT NULL,
  PRIMARY KEY ("hall", "row", "number"),
  UNIQUE ("barcode"),
  UNIQUE ("inventory"),
  UNIQUE ("floor", "desk"),
  UNIQUE ("hall", "desk")
);

CREATE SEQUENCE IF NOT EXISTS "Visit_id_seq";
CREATE TABLE "Visit" (
  "id" BIGINT NOT NULL DEFAULT nextval('"Visit_id_seq"'),
  "page" VARCHAR NOT NULL,
  PRIMARY KEY ("id")
);
