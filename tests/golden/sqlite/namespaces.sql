CREATE TABLE "crm__Customer" (
  "id" INTEGER NOT NULL,
  "favorite" TEXT NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_crm__Customer_favorite" CHECK ("favorite" IN ('red', 'green', 'blue'))
) STRICT;

CREATE TABLE "crm__Complaint" (
  "id" INTEGER NOT NULL,
  "customer" INTEGER NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_crm__Complaint_customer" FOREIGN KEY ("customer") REFERENCES "crm__Customer" ("id")
) STRICT;

CREATE TABLE "sales__Parcel" (
  "id" INTEGER NOT NULL,
  "size" TEXT NOT NULL,
  "wrapping" TEXT NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_sales__Parcel_wrapping" CHECK ("wrapping" IN ('red', 'green', 'blue'))
) STRICT;
