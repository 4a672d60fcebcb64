CREATE TABLE "Ledger" (
  "id" bigint NOT NULL,
  "wei" numeric(76, 18) NOT NULL,
  PRIMARY KEY ("id")
);
