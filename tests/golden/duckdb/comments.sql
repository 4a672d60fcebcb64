CREATE TABLE "Book" (
  "isbn" VARCHAR NOT NULL,
  "pages" INTEGER NOT NULL,
  "color" ENUM('red', 'green', 'blue'),
  PRIMARY KEY ("isbn")
);
COMMENT ON TABLE "Book" IS 'A book that can be lent.

It stands on a shelf when it is not.';
COMMENT ON COLUMN "Book"."isbn" IS 'The number on its back.';
COMMENT ON COLUMN "Book"."pages" IS 'Without the cover, and without the index.';
