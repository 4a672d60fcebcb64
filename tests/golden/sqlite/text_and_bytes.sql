CREATE TABLE "Document" (
  "id" TEXT NOT NULL,
  "language" TEXT NOT NULL,
  "title" TEXT NOT NULL,
  "body" TEXT NOT NULL,
  "digest" BLOB NOT NULL,
  "scan" BLOB,
  PRIMARY KEY ("id")
) STRICT;
