CREATE TABLE "crm__Customer" (
  "id" INTEGER NOT NULL,
  "favorite" TEXT NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_crm__Customer_favorite" CHECK ("favorite" IN ('red', 'green', 'blue'))
) STRICT;

CREATE TABLE "sales__Order" (
  "id" INTEGER NOT NULL,
  "customer" INTEGER NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_sales__Order_customer" FOREIGN KEY ("customer") REFERENCES "crm__Customer" ("id")
) STRICT;
