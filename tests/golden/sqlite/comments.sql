CREATE TABLE "Book" (
  "isbn" TEXT NOT NULL,
  "pages" INTEGER NOT NULL,
  "color" TEXT,
  PRIMARY KEY ("isbn"),
  CONSTRAINT "ch_Book_color" CHECK ("color" IN ('red', 'green', 'blue'))
) STRICT;
