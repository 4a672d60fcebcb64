CREATE TABLE "Employee" (
  "id" INTEGER NOT NULL,
  "department" INTEGER NOT NULL,
  "boss" INTEGER,
  "deputy" INTEGER,
  PRIMARY KEY ("id")
) STRICT;

CREATE TABLE "Department" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "uq_Department_name" UNIQUE ("name")
) STRICT;
