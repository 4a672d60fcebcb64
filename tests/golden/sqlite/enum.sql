CREATE TABLE "Poster" (
  "id" INTEGER NOT NULL,
  "background" TEXT NOT NULL,
  "frame" TEXT,
  "ink" TEXT NOT NULL DEFAULT 'blue',
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Poster_background" CHECK ("background" IN ('red', 'green', 'blue')),
  CONSTRAINT "ch_Poster_frame" CHECK ("frame" IN ('red', 'green', 'blue')),
  CONSTRAINT "ch_Poster_ink" CHECK ("ink" IN ('red', 'green', 'blue'))
) STRICT;
