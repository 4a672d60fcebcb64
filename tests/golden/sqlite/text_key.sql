CREATE TABLE "Essay" (
  "slug" TEXT NOT NULL,
  "body" TEXT NOT NULL,
  PRIMARY KEY ("slug")
) STRICT;
