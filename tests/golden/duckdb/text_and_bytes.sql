CREATE TABLE "Document" (
  "id" VARCHAR NOT NULL,
  "language" VARCHAR NOT NULL,
  "title" VARCHAR NOT NULL,
  "body" VARCHAR NOT NULL,
  "digest" BLOB NOT NULL,
  "scan" BLOB,
  PRIMARY KEY ("id")
);
