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

CREATE TABLE "Poster" (
  "id" BIGINT NOT NULL,
  "background" INTEGER NOT NULL,
  "frame" INTEGER,
  "ink" INTEGER NOT NULL DEFAULT 3,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("background") REFERENCES "Color" ("id"),
  FOREIGN KEY ("frame") REFERENCES "Color" ("id"),
  FOREIGN KEY ("ink") REFERENCES "Color" ("id")
);
