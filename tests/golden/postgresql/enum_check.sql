CREATE TABLE "Poster" (
  "id" bigint NOT NULL,
  "background" text NOT NULL,
  "frame" text,
  "ink" text NOT NULL DEFAULT 'blue',
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Poster_background" CHECK ("background" IN ('red', 'green', 'blue')),
  CONSTRAINT "ch_Poster_frame" CHECK ("frame" IN ('red', 'green', 'blue')),
  CONSTRAINT "ch_Poster_ink" CHECK ("ink" IN ('red', 'green', 'blue'))
);
