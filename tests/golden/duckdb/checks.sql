CREATE TABLE "Reading" (
  "id" BIGINT NOT NULL,
  "percent" SMALLINT NOT NULL,
  "kelvin" DOUBLE NOT NULL,
  "price" DECIMAL(8, 2),
  "since" DATE NOT NULL,
  "stars" BIGINT NOT NULL,
  "low" BIGINT NOT NULL,
  "high" BIGINT NOT NULL,
  PRIMARY KEY ("id"),
  CHECK ("percent" BETWEEN 0 AND 100),
  CHECK ("kelvin" >= DOUBLE '0.0'),
  CHECK ("price" <= 999999.99),
  CHECK ("since" BETWEEN DATE '2000-01-01' AND DATE '2099-12-31'),
  CHECK ("stars" IN (1, 2, 3)),
  CHECK ("high" < 1000),
  CHECK ("low" <= "high"),
  CHECK ("low" <> 13)
);
