CREATE TYPE "Color" AS ENUM ('red', 'green', 'blue');
COMMENT ON TYPE "Color" IS 'The colors that we print in.';

CREATE TABLE "Poster" (
  "id" bigint NOT NULL,
  "background" "Color" NOT NULL,
  "frame" "Color",
  "ink" "Color" NOT NULL DEFAULT 'blue',
  PRIMARY KEY ("id")
);
