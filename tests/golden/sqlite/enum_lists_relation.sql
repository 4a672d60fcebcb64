CREATE TABLE "Color" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "value" TEXT NOT NULL,
  CONSTRAINT "uq_Color_value" UNIQUE ("value")
) STRICT;
INSERT INTO "Color" ("value") VALUES
  ('red'),
  ('green'),
  ('blue');

CREATE TABLE "Palette" (
  "id" INTEGER NOT NULL,
  PRIMARY KEY ("id")
) STRICT;

CREATE TABLE "Palette_colors" (
  "Palette_id" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  CONSTRAINT "fk_Palette_colors_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "fk_Palette_colors_value" FOREIGN KEY ("value") REFERENCES "Color" ("id")
) STRICT;

CREATE TABLE "Palette_avoided" (
  "Palette_id" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("Palette_id", "value"),
  CONSTRAINT "fk_Palette_avoided_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "fk_Palette_avoided_value" FOREIGN KEY ("value") REFERENCES "Color" ("id")
) STRICT;

CREATE TABLE "Palette_accents" (
  "Palette_id" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  CONSTRAINT "fk_Palette_accents_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "fk_Palette_accents_value" FOREIGN KEY ("value") REFERENCES "Color" ("id")
) STRICT;
