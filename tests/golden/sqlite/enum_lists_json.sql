CREATE TABLE "Palette" (
  "id" INTEGER NOT NULL,
  "colors" TEXT NOT NULL,
  "avoided" TEXT NOT NULL,
  "accents" TEXT,
  PRIMARY KEY ("id")
) STRICT;
