CREATE OR REPLACE SEQUENCE "Planets_id_seq";
CREATE TABLE "Planets" (
  "id" INTEGER NOT NULL DEFAULT nextval('"Planets_id_seq"'),
  "value" VARCHAR NOT NULL,
  "name" VARCHAR NOT NULL,
  "mass" DOUBLE NOT NULL,
  "moons" SMALLINT NOT NULL,
  PRIMARY KEY ("id"),
  UNIQUE ("value")
);
COMMENT ON TABLE "Planets" IS 'Where a probe can be sent.';
COMMENT ON COLUMN "Planets"."moons" IS 'Confirmed ones.';
INSERT INTO "Planets" ("value", "name", "mass", "moons") VALUES
  ('MARS', 'Mars', DOUBLE '6.4171e+23', 2),
  ('VENUS', 'Venus', DOUBLE '4.8675e+24', 0);

CREATE TABLE "Probe" (
  "id" BIGINT NOT NULL,
  "target" INTEGER NOT NULL,
  "then" INTEGER,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("target") REFERENCES "Planets" ("id"),
  FOREIGN KEY ("then") REFERENCES "Planets" ("id")
);
