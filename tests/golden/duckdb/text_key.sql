CREATE TABLE "Essay" (
  "slug" VARCHAR NOT NULL,
  "body" VARCHAR NOT NULL,
  PRIMARY KEY ("slug")
);
