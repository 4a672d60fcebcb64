CREATE TABLE "Palette" (
  "id" BIGINT NOT NULL,
  "colors" VARCHAR NOT NULL,
  "avoided" VARCHAR NOT NULL,
  "accents" VARCHAR,
  PRIMARY KEY ("id")
);
