CREATE TABLE "Invoice" (
  "number" INTEGER NOT NULL,
  "total" TEXT NOT NULL,
  "pieces" TEXT NOT NULL,
  "rate" TEXT NOT NULL,
  "printed" TEXT NOT NULL,
  "sent" TEXT NOT NULL,
  "paid" TEXT,
  "booked" TEXT NOT NULL,
  PRIMARY KEY ("number")
) STRICT;
