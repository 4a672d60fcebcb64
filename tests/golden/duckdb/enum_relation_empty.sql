CREATE SEQUENCE IF NOT EXISTS "Shirt_size_id_seq";
CREATE TABLE "Shirt_size" (
  "id" INTEGER NOT NULL DEFAULT nextval('"Shirt_size_id_seq"'),
  "value" VARCHAR NOT NULL,
  PRIMARY KEY ("id"),
  UNIQUE ("value")
);

CREATE SEQUENCE IF NOT EXISTS "Shirt_fit_id_seq";
CREATE TABLE "Shirt_fit" (
  "id" INTEGER NOT NULL DEFAULT nextval('"Shirt_fit_id_seq"'),
  "value" VARCHAR NOT NULL,
  PRIMARY KEY ("id"),
  UNIQUE ("value")
);

CREATE TABLE "Shirt" (
  "id" BIGINT NOT NULL,
  "size" INTEGER NOT NULL,
  "fit" INTEGER,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("size") REFERENCES "Shirt_size" ("id"),
  FOREIGN KEY ("fit") REFERENCES "Shirt_fit" ("id")
);
