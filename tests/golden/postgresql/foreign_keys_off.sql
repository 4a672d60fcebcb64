CREATE TABLE "Employee" (
  "id" bigint NOT NULL,
  "department" integer NOT NULL,
  "boss" bigint,
  "deputy" bigint,
  PRIMARY KEY ("id")
);

CREATE TABLE "Department" (
  "id" integer NOT NULL,
  "name" varchar(50) NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "uq_Department_name" UNIQUE ("name")
);
