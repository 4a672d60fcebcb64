CREATE TABLE "Seat" (
  "hall" TEXT NOT NULL,
  "row" INTEGER NOT NULL,
  "number" INTEGER NOT NULL,
  "barcode" TEXT NOT NULL,
  "inventory" INTEGER,
  "floor" INTEGER NOT NULL,
  "desk" INTEGER NOT NULL,
  PRIMARY KEY ("hall", "row", "number"),
  CONSTRAINT "uq_Seat_barcode" UNIQUE ("barcode"),
  CONSTRAINT "uq_Seat_inventory" UNIQUE ("inventory"),
  CONSTRAINT "uq_Seat_floor_desk" UNIQUE ("floor", "desk"),
  CONSTRAINT "uq_Seat_hall_desk" UNIQUE ("hall", "desk")
) STRICT;

CREATE TABLE "Visit" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "page" TEXT NOT NULL
) STRICT;
