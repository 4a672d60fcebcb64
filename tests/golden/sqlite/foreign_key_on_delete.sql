CREATE TABLE "Album" (
  "id" INTEGER NOT NULL,
  "title" TEXT NOT NULL,
  PRIMARY KEY ("id")
) STRICT;

CREATE TABLE "Photo" (
  "id" INTEGER NOT NULL,
  "album" INTEGER NOT NULL,
  "cover_of" INTEGER,
  "archive" INTEGER,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Photo_album" FOREIGN KEY ("album") REFERENCES "Album" ("id") ON DELETE CASCADE,
  CONSTRAINT "fk_Photo_cover_of" FOREIGN KEY ("cover_of") REFERENCES "Album" ("id") ON DELETE SET NULL,
  CONSTRAINT "fk_Photo_archive" FOREIGN KEY ("archive") REFERENCES "Album" ("id") ON DELETE RESTRICT
) STRICT;
