CREATE TABLE "Invoice" (
  "number" BIGINT NOT NULL,
  "total" DECIMAL(12, 2) NOT NULL,
  "pieces" DECIMAL(9, 0) NOT NULL,
  "rate" DECIMAL(18, 10) NOT NULL,
  "printed" TIMESTAMP_S NOT NULL,
  "sent" TIMESTAMP_MS NOT NULL,
  "paid" TIMESTAMP,
  "booked" TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY ("number")
);
