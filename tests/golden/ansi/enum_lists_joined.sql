CREATE TABLE "Palette" (
  "id" bigint NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "Palette_colors" (
  "Palette_id" bigint NOT NULL,
  "position" integer NOT NULL,
  "value" varchar(64) NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  CONSTRAINT "fk_Palette_colors_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "ch_Palette_colors_value" CHECK ("value" IN ('red', 'green', 'blue'))
);

CREATE TABLE "Palette_avoided" (
  "Palette_id" bigint NOT NULL,
  "value" varchar(64) NOT NULL,
  PRIMARY KEY ("Palette_id", "value"),
  CONSTRAINT "fk_Palette_avoided_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "ch_Palette_avoided_value" CHECK ("value" IN ('red', 'green', 'blue'))
);

CREATE TABLE "Palette_accents" (
  "Palette_id" bigint NOT NULL,
  "position" integer NOT NULL,
  "value" varchar(64) NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  CONSTRAINT "fk_Palette_accents_Palette_id" FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id") ON DELETE CASCADE,
  CONSTRAINT "ch_Palette_accents_value" CHECK ("value" IN ('red', 'green', 'blue'))
);
