CREATE TABLE "Ledger" (
  "id" bigint NOT NULL,
  "wei" decimal(76, 18) NOT NULL,
  PRIMARY KEY ("id")
);
