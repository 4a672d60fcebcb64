CREATE TABLE "Palette" (
  "id" BIGINT NOT NULL,
  "colors" VARCHAR[] NOT NULL,
  "avoided" VARCHAR[] NOT NULL,
  "accents" VARCHAR[],
  PRIMARY KEY ("id"),
  CHECK (list_has_all(['red', 'green', 'blue'], "colors")),
  CHECK (list_has_all(['red', 'green', 'blue'], "avoided")),
  CHECK (list_has_all(['red', 'green', 'blue'], "accents"))
);
