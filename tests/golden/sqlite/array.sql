CREATE TABLE "Recipe" (
  "id" INTEGER NOT NULL,
  "steps" TEXT NOT NULL,
  "minutes" TEXT NOT NULL,
  "weights" TEXT NOT NULL,
  "tags" TEXT NOT NULL,
  "cooked_on" TEXT,
  PRIMARY KEY ("id")
) STRICT;
