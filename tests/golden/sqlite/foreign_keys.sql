CREATE TABLE "Department" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "uq_Department_name" UNIQUE ("name")
) STRICT;

CREATE TABLE "Employee" (
  "id" INTEGER NOT NULL,
  "department" INTEGER NOT NULL,
  "boss" INTEGER,
  "deputy" INTEGER,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Employee_department" FOREIGN KEY ("department") REFERENCES "Department" ("id"),
  CONSTRAINT "fk_Employee_boss" FOREIGN KEY ("boss") REFERENCES "Employee" ("id"),
  CONSTRAINT "fk_Employee_deputy" FOREIGN KEY ("deputy") REFERENCES "Employee" ("id")
) STRICT;
