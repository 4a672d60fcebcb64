CREATE TABLE "Shirt" (
  "id" bigint NOT NULL,
  "size" varchar(64) NOT NULL,
  "fit" varchar(64),
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Shirt_size" CHECK ("size" IN ('S', 'M', 'L')),
  CONSTRAINT "ch_Shirt_fit" CHECK ("fit" IN ('slim', 'wide'))
);
