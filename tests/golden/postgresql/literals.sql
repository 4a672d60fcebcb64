CREATE TYPE "Shirt_size" AS ENUM ('S', 'M', 'L');

CREATE TYPE "Shirt_fit" AS ENUM ('slim', 'wide');

CREATE TABLE "Shirt" (
  "id" bigint NOT NULL,
  "size" "Shirt_size" NOT NULL,
  "fit" "Shirt_fit",
  PRIMARY KEY ("id")
);
