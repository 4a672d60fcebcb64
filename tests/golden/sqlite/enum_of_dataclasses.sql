CREATE TABLE "Planets" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "value" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "mass" REAL NOT NULL,
  "moons" INTEGER NOT NULL,
  CONSTRAINT "uq_Planets_value" UNIQUE ("value")
) STRICT;
INSERT INTO "Planets" ("value", "name", "mass", "moons") VALUES
  ('MARS', 'Mars', 6.4171e+23, 2),
  ('VENUS', 'Venus', 4.8675e+24, 0);

CREATE TABLE "Probe" (
  "id" INTEGER NOT NULL,
  "target" INTEGER NOT NULL,
  "then" INTEGER,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Probe_target" FOREIGN KEY ("target") REFERENCES "Planets" ("id"),
  CONSTRAINT "fk_Probe_then" FOREIGN KEY ("then") REFERENCES "Planets" ("id")
) STRICT;
