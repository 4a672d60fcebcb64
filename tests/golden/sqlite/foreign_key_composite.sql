CREATE TABLE "OrderLine" (
  "order" INTEGER NOT NULL,
  "line" INTEGER NOT NULL,
  "article" TEXT NOT NULL,
  PRIMARY KEY ("order", "line")
) STRICT;

CREATE TABLE "Return" (
  "id" INTEGER NOT NULL,
  "order" INTEGER NOT NULL,
  "line" INTEGER NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Return_order_line" FOREIGN KEY ("order", "line") REFERENCES "OrderLine" ("order", "line")
) STRICT;
