CREATE SCHEMA "crm";

CREATE SCHEMA "sales";

CREATE TABLE "crm"."Customer" (
  "id" bigint NOT NULL,
  "favorite" varchar(64) NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Customer_favorite" CHECK ("favorite" IN ('red', 'green', 'blue'))
);
COMMENT ON TABLE "crm"."Customer" IS 'Who buys from us.';

CREATE TABLE "sales"."Order" (
  "id" bigint NOT NULL,
  "customer" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Order_customer" FOREIGN KEY ("customer") REFERENCES "crm"."Customer" ("id")
);
