CREATE TABLE "Poster" (
  "id" bigint NOT NULL,
  "background" varchar(64) NOT NULL,
  "frame" varchar(64),
  "ink" varchar(64) DEFAULT 'blue' NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Poster_background" CHECK ("background" IN ('red', 'green', 'blue')),
  CONSTRAINT "ch_Poster_frame" CHECK ("frame" IN ('red', 'green', 'blue')),
  CONSTRAINT "ch_Poster_ink" CHECK ("ink" IN ('red', 'green', 'blue'))
);
