CREATE TABLE "Journey" (
  "id" INTEGER NOT NULL,
  "home" TEXT NOT NULL,
  "longest" TEXT,
  "legs" TEXT NOT NULL,
  PRIMARY KEY ("id")
) STRICT;
