CREATE TABLE "Recipe" (
  "id" BIGINT NOT NULL,
  "steps" JSON NOT NULL,
  "minutes" JSON NOT NULL,
  "weights" JSON NOT NULL,
  "tags" JSON NOT NULL,
  "cooked_on" JSON,
  PRIMARY KEY ("id")
);
