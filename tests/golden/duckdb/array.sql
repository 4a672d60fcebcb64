CREATE TABLE "Recipe" (
  "id" BIGINT NOT NULL,
  "steps" VARCHAR[] NOT NULL,
  "minutes" INTEGER[] NOT NULL,
  "weights" DECIMAL(8, 3)[] NOT NULL,
  "tags" VARCHAR[] NOT NULL,
  "cooked_on" DATE[],
  PRIMARY KEY ("id")
);
