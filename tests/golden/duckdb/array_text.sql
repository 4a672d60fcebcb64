CREATE TABLE "Recipe" (
  "id" BIGINT NOT NULL,
  "steps" VARCHAR NOT NULL,
  "minutes" VARCHAR NOT NULL,
  "weights" VARCHAR NOT NULL,
  "tags" VARCHAR NOT NULL,
  "cooked_on" VARCHAR,
  PRIMARY KEY ("id")
);
