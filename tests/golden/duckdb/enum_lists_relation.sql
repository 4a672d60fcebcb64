CREATE OR REPLACE SEQUENCE "Color_id_seq";
CREATE TABLE "Color" (
  "id" INTEGER NOT NULL DEFAULT nextval('"Color_id_seq"'),
  "value" VARCHAR NOT NULL,
  PRIMARY KEY ("id"),
  UNIQUE ("value")
);
COMMENT ON TABLE "Color" IS 'The colors that we print in.';
INSERT INTO "Color" ("value") VALUES
  ('red'),
  ('green'),
  ('blue');

CREATE TABLE "Palette" (
  "id" BIGINT NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "Palette_colors" (
  "Palette_id" BIGINT NOT NULL,
  "position" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id"),
  FOREIGN KEY ("value") REFERENCES "Color" ("id")
);

CREATE TABLE "Palette_avoided" (
  "Palette_id" BIGINT NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("Palette_id", "value"),
  FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id"),
  FOREIGN KEY ("value") REFERENCES "Color" ("id")
);

CREATE TABLE "Palette_accents" (
  "Palette_id" BIGINT NOT NULL,
  "position" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("Palette_id", "position"),
  FOREIGN KEY ("Palette_id") REFERENCES "Palette" ("id"),
  FOREIGN KEY ("value") REFERENCES "Color" ("id")
);
