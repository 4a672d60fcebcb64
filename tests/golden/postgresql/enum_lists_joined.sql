CREATE TYPE "Color" AS ENUM ('red', 'green', 'blue');
COMMENT ON TYPE "Color" IS 'The colors that we print in.';

CREATE TABLE "Palette" (
  "id" bigint NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "Palette_colors" (
  "Palette_id" bigint NOT NULL,
  "position" integer NOT NULL,
  "value" "Color" NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  CONSTRAINT "fk_Palette_colors_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE
);

CREATE TABLE "Palette_avoided" (
  "Palette_id" bigint NOT NULL,
  "value" "Color" NOT NULL,
  PRIMARY KEY ("Palette_id", "value"),
  CONSTRAINT "fk_Palette_avoided_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE
);

CREATE TABLE "Palette_accents" (
  "Palette_id" bigint NOT NULL,
  "position" integer NOT NULL,
  "value" "Color" NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  CONSTRAINT "fk_Palette_accents_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE
);
