CREATE TABLE "Song" (
  "album" BIGINT NOT NULL,
  "track" SMALLINT NOT NULL,
  PRIMARY KEY ("album", "track")
);
COMMENT ON TABLE "Song" IS 'A song and who sings it.';

CREATE TABLE "Song_moods" (
  "Song_album" BIGINT NOT NULL,
  "Song_track" SMALLINT NOT NULL,
  "value" ENUM('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY ("Song_album", "Song_track", "value"),
  FOREIGN KEY ("Song_album", "Song_track") REFERENCES "Song" ("album", "track")
);

CREATE TABLE "Song_verses" (
  "Song_album" BIGINT NOT NULL,
  "Song_track" SMALLINT NOT NULL,
  "position" INTEGER NOT NULL,
  "value" VARCHAR NOT NULL,
  PRIMARY KEY ("Song_album", "Song_track", "position"),
  FOREIGN KEY ("Song_album", "Song_track") REFERENCES "Song" ("album", "track")
);

CREATE TABLE "Singer" (
  "id" BIGINT NOT NULL,
  "name" VARCHAR NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "Song_singers" (
  "Song_album" BIGINT NOT NULL,
  "Song_track" SMALLINT NOT NULL,
  "position" INTEGER NOT NULL,
  "value" BIGINT NOT NULL,
  PRIMARY KEY ("Song_album", "Song_track", "position"),
  FOREIGN KEY ("Song_album", "Song_track") REFERENCES "Song" ("album", "track"),
  FOREIGN KEY ("value") REFERENCES "Singer" ("id")
);

CREATE TABLE "Song_fans" (
  "Song_album" BIGINT NOT NULL,
  "Song_track" SMALLINT NOT NULL,
  "value" BIGINT NOT NULL,
  PRIMARY KEY ("Song_album", "Song_track", "value"),
  FOREIGN KEY ("Song_album", "Song_track") REFERENCES "Song" ("album", "track"),
  FOREIGN KEY ("value") REFERENCES "Singer" ("id")
);
