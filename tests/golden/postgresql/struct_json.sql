CREATE TABLE "Journey" (
  "id" bigint NOT NULL,
  "home" jsonb NOT NULL,
  "longest" jsonb,
  "legs" jsonb[] NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "Journey" IS 'A journey, leg by leg.';
COMMENT ON COLUMN "Journey"."home" IS 'Where it begins and ends.';
