CREATE TABLE "Color" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "value" TEXT NOT NULL,
  CONSTRAINT "uq_Color_value" UNIQUE ("value")
) STRICT;
INSERT INTO "Color" ("value") VALUES
  ('red'),
  ('green'),
  ('blue');

CREATE TABLE "Swatch" (
  "id" INTEGER NOT NULL,
  "color" INTEGER NOT NULL,
  "other" INTEGER,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Swatch_color" FOREIGN KEY ("color") REFERENCES "Color" ("id"),
  CONSTRAINT "fk_Swatch_other" FOREIGN KEY ("other") REFERENCES "Color" ("id")
) STRICT;
