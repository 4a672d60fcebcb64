CREATE TABLE "Shirt" (
  "id" INTEGER NOT NULL,
  "size" TEXT NOT NULL,
  "fit" TEXT,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Shirt_size" CHECK ("size" IN ('S', 'M', 'L')),
  CONSTRAINT "ch_Shirt_fit" CHECK ("fit" IN ('slim', 'wide'))
) STRICT;
