CREATE TYPE "Color" AS ENUM ('red', 'green', 'blue');
COMMENT ON TYPE "Color" IS 'The colors that we print in.';

CREATE TABLE "Palette" (
  "id" bigint NOT NULL,
  "colors" "Color"[] NOT NULL,
  "avoided" "Color"[] NOT NULL,
  "accents" "Color"[],
  PRIMARY KEY ("id")
);
