CREATE TABLE "Shirt_size" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "value" TEXT NOT NULL,
  CONSTRAINT "uq_Shirt_size_value" UNIQUE ("value")
) STRICT;

CREATE TABLE "Shirt_fit" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "value" TEXT NOT NULL,
  CONSTRAINT "uq_Shirt_fit_value" UNIQUE ("value")
) STRICT;

CREATE TABLE "Shirt" (
  "id" INTEGER NOT NULL,
  "size" INTEGER NOT NULL,
  "fit" INTEGER,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Shirt_size" FOREIGN KEY ("size") REFERENCES "Shirt_size" ("id"),
  CONSTRAINT "fk_Shirt_fit" FOREIGN KEY ("fit") REFERENCES "Shirt_fit" ("id")
) STRICT;
