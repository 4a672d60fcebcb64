CREATE TABLE "Recipe" (
  "id" bigint NOT NULL,
  "steps" text NOT NULL,
  "minutes" text NOT NULL,
  "weights" text NOT NULL,
  "tags" text NOT NULL,
  "cooked_on" text,
  PRIMARY KEY ("id")
);
