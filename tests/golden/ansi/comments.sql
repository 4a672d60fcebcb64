CREATE TABLE "Book" (
  "isbn" varchar(13) NOT NULL,
  "pages" integer NOT NULL,
  "color" varchar(64),
  PRIMARY KEY ("isbn"),
  CONSTRAINT "ch_Book_color" CHECK ("color" IN ('red', 'green', 'blue'))
);
COMMENT ON TABLE "Book" IS 'A book that can be lent.

It stands on a shelf when it is not.';
COMMENT ON COLUMN "Book"."isbn" IS 'The number on its back.';
COMMENT ON COLUMN "Book"."pages" IS 'Without the cover, and without the index.';
