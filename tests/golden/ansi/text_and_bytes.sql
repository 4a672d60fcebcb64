CREATE TABLE "Document" (
  "id" varchar(40) NOT NULL,
  "language" varchar(2) NOT NULL,
  "title" varchar(255) NOT NULL,
  "body" text NOT NULL,
  "digest" varbinary(32) NOT NULL,
  "scan" blob,
  PRIMARY KEY ("id")
);
