CREATE TABLE "Poster" (
  "id" BIGINT NOT NULL,
  "background" VARCHAR NOT NULL,
  "frame" VARCHAR,
  "ink" VARCHAR NOT NULL DEFAULT 'blue',
  PRIMARY KEY ("id"),
  CHECK ("background" IN ('red', 'green', 'blue')),
  CHECK ("frame" IN ('red', 'green', 'blue')),
  CHECK ("ink" IN ('red', 'green', 'blue'))
);
