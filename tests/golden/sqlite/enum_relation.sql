CREATE TABLE "Color" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "value" TEXT NOT NULL,
  CONSTRAINT "uq_Color_value" UNIQUE ("value")
) STRICT;
INSERT INTO "Color" ("value") VALUES
  ('red'),
  ('green'),
  ('blue');

CREATE TABLE "Poster" (
  "id" INTEGER NOT NULL,
  "background" INTEGER NOT NULL,
  "frame" INTEGER,
  "ink" INTEGER NOT NULL DEFAULT 3,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Poster_background" FOREIGN KEY ("background") REFERENCES "Color" ("id"),
  CONSTRAINT "fk_Poster_frame" FOREIGN KEY ("frame") REFERENCES "Color" ("id"),
  CONSTRAINT "fk_Poster_ink" FOREIGN KEY ("ink") REFERENCES "Color" ("id")
) STRICT;
