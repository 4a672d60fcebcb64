CREATE TABLE "Invoice" (
  "number" bigint NOT NULL,
  "total" decimal(12, 2) NOT NULL,
  "pieces" decimal(9, 0) NOT NULL,
  "rate" decimal(18, 10) NOT NULL,
  "printed" timestamp(0) NOT NULL,
  "sent" timestamp(3) NOT NULL,
  "paid" timestamp(6),
  "booked" timestamp(3) with time zone NOT NULL,
  PRIMARY KEY ("number")
);
