CREATE TABLE "Shirt" (
  "id" BIGINT NOT NULL,
  "size" ENUM('S', 'M', 'L') NOT NULL,
  "fit" ENUM('slim', 'wide'),
  PRIMARY KEY ("id")
);
