CREATE TABLE "Recipe" (
  "id" bigint NOT NULL,
  "steps" varchar(200)[] NOT NULL,
  "minutes" integer[] NOT NULL,
  "weights" numeric(8, 3)[] NOT NULL,
  "tags" varchar(30)[] NOT NULL,
  "cooked_on" date[],
  PRIMARY KEY ("id")
);
