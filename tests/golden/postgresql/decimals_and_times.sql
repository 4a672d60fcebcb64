CREATE TABLE "Invoice" (
  "number" bigint NOT NULL,
  "total" numeric(12, 2) NOT NULL,
  "pieces" numeric(9, 0) NOT NULL,
  "rate" numeric(18, 10) NOT NULL,
  "printed" timestamp(0) NOT NULL,
  "sent" timestamp(3) NOT NULL,
  "paid" timestamp,
  "booked" timestamptz(3) NOT NULL,
  PRIMARY KEY ("number")
);
