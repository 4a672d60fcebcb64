CREATE TABLE "Journey" (
  "id" BIGINT NOT NULL,
  "home" VARCHAR NOT NULL,
  "longest" VARCHAR,
  "legs" VARCHAR[] NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "Journey" IS 'A journey, leg by leg.';
COMMENT ON COLUMN "Journey"."home" IS 'Where it begins and ends.';
