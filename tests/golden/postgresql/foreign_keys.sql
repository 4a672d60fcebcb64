CREATE TABLE "Department" (
  "id" integer NOT NULL,
  "name" varchar(50) NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "uq_Department_name" UNIQUE ("name")
);

CREATE TABLE "Employee" (
  "id" bigint NOT NULL,
  "department" integer NOT NULL,
  "boss" bigint,
  "deputy" bigint,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Employee_department" FOREIGN KEY ("department") REFERENCES "Department" ("id"),
  CONSTRAINT "fk_Employee_boss" FOREIGN KEY ("boss") REFERENCES "Employee" ("id"),
  CONSTRAINT "fk_Employee_deputy" FOREIGN KEY ("deputy") REFERENCES "Employee" ("id")
);
