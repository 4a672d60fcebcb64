CREATE TABLE "Employee" (
  "id" BIGINT NOT NULL,
  "department" INTEGER NOT NULL,
  "boss" BIGINT,
  "deputy" BIGINT,
  PRIMARY KEY ("id")
);

CREATE TABLE "Department" (
  "id" INTEGER NOT NULL,
  "name" VARCHAR NOT NULL,
  PRIMARY KEY ("id"),
  UNIQUE ("name")
);
