CREATE TABLE "Recipe" (
  "id" bigint NOT NULL,
  "steps" varchar(200) ARRAY NOT NULL,
  "minutes" integer ARRAY NOT NULL,
  "weights" decimal(8, 3) ARRAY NOT NULL,
  "tags" varchar(30) ARRAY NOT NULL,
  "cooked_on" date ARRAY,
  PRIMARY KEY ("id")
);
