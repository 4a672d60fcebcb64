CREATE TABLE "Recipe" (
  "id" bigint NOT NULL,
  "steps" jsonb NOT NULL,
  "minutes" jsonb NOT NULL,
  "weights" jsonb NOT NULL,
  "tags" jsonb NOT NULL,
  "cooked_on" jsonb,
  PRIMARY KEY ("id")
);
