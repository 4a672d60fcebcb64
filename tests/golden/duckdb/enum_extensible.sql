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

CREATE TABLE "Swatch" (
  "id" BIGINT NOT NULL,
  "color" INTEGER NOT NULL,
  "other" INTEGER,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("color") REFERENCES "Color" ("id"),
  FOREIGN KEY ("other") REFERENCES "Color" ("id")
);
