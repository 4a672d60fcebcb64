CREATE TABLE "Essay" (
  "slug" text NOT NULL,
  "body" text NOT NULL,
  PRIMARY KEY ("slug")
);
