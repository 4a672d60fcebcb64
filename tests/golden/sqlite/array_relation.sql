CREATE TABLE "Song" (
  "album" INTEGER NOT NULL,
  "track" INTEGER NOT NULL,
  PRIMARY KEY ("album", "track")
) STRICT;

CREATE TABLE "Song_moods" (
  "Song_album" INTEGER NOT NULL,
  "Song_track" INTEGER NOT NULL,
  "value" TEXT NOT NULL,
  PRIMARY KEY ("Song_album", "Song_track", "value"),
  CONSTRAINT "fk_Song_moods_Song_album_Song_track" FOREIGN KEY ("Song_album", "Song_track") REFERENCES "Song" ("album", "track") ON DELETE CASCADE,
  CONSTRAINT "ch_Song_moods_value" CHECK ("value" IN ('red', 'green', 'blue'))
) STRICT;

CREATE TABLE "Song_verses" (
  "Song_album" INTEGER NOT NULL,
  "Song_track" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "value" TEXT NOT NULL,
  PRIMARY KEY ("Song_album", "Song_track", "position"),
  CONSTRAINT "fk_Song_verses_Song_album_Song_track" FOREIGN KEY ("Song_album", "Song_track") REFERENCES "Song" ("album", "track") ON DELETE CASCADE
) STRICT;

CREATE TABLE "Singer" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  PRIMARY KEY ("id")
) STRICT;

CREATE TABLE "Song_singers" (
  "Song_album" INTEGER NOT NULL,
  "Song_track" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("Song_album", "Song_track", "position"),
  CONSTRAINT "fk_Song_singers_Song_album_Song_track" FOREIGN KEY ("Song_album", "Song_track") REFERENCES "Song" ("album", "track") ON DELETE CASCADE,
  CONSTRAINT "fk_Song_singers_value" FOREIGN KEY ("value") REFERENCES "Singer" ("id")
) STRICT;

CREATE TABLE "Song_fans" (
  "Song_album" INTEGER NOT NULL,
  "Song_track" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("Song_album", "Song_track", "value"),
  CONSTRAINT "fk_Song_fans_Song_album_Song_track" FOREIGN KEY ("Song_album", "Song_track") REFERENCES "Song" ("album", "track") ON DELETE CASCADE,
  CONSTRAINT "fk_Song_fans_value" FOREIGN KEY ("value") REFERENCES "Singer" ("id")
) STRICT;
