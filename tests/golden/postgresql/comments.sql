CREATE TYPE "Color" AS ENUM ('red', 'green', 'blue');
COMMENT ON TYPE "Color" IS 'The colors that we print in.';

CREATE TABLE "Book" (
  "isbn" varchar(13) NOT NULL,
  "pages" integer NOT NULL,
  "color" "Color",
  PRIMARY KEY ("isbn")
);
COMMENT ON TABLE "Book" IS 'A book that can be lent.

It stands on a shelf when it is not.';
COMMENT ON COLUMN "Book"."isbn" IS 'The number on its back.';
COMMENT ON COLUMN "Book"."pages" IS 'Without the cover, and without the index.';
