CREATE TABLE "Palette" (
  "id" BIGINT NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "Palette_colors" (
  "Palette_id" BIGINT NOT NULL,
  "position" INTEGER NOT NULL,
  "value" ENUM('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id")
);

CREATE TABLE "Palette_avoided" (
  "Palette_id" BIGINT NOT NULL,
  "value" ENUM('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY ("Palette_id", "value"),
  FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id")
);

CREATE TABLE "Palette_accents" (
  "Palette_id" BIGINT NOT NULL,
  "position" INTEGER NOT NULL,
  "value" ENUM('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id")
);
