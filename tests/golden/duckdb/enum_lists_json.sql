CREATE TABLE "Palette" (
  "id" BIGINT NOT NULL,
  "colors" JSON NOT NULL,
  "avoided" JSON NOT NULL,
  "accents" JSON,
  PRIMARY KEY ("id"),
  CHECK (list_has_all(['red', 'green', 'blue'], CAST("colors" AS VARCHAR[]))),
  CHECK (list_has_all(['red', 'green', 'blue'], CAST("avoided" AS VARCHAR[]))),
  CHECK (list_has_all(['red', 'green', 'blue'], CAST("accents" AS VARCHAR[])))
);
