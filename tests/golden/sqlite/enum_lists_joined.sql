CREATE TABLE "Palette" (
  "id" INTEGER NOT NULL,
  PRIMARY KEY ("id")
) STRICT;

CREATE TABLE "Palette_colors" (
  "Palette_id" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "value" TEXT NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  CONSTRAINT "fk_Palette_colors_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "ch_Palette_colors_value" CHECK ("value" IN ('red', 'green', 'blue'))
) STRICT;

CREATE TABLE "Palette_avoided" (
  "Palette_id" INTEGER NOT NULL,
  "value" TEXT NOT NULL,
  PRIMARY KEY ("Palette_id", "value"),
  CONSTRAINT "fk_Palette_avoided_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "ch_Palette_avoided_value" CHECK ("value" IN ('red', 'green', 'blue'))
) STRICT;

CREATE TABLE "Palette_accents" (
  "Palette_id" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "value" TEXT NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  CONSTRAINT "fk_Palette_accents_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "ch_Palette_accents_value" CHECK ("value" IN ('red', 'green', 'blue'))
) STRICT;
