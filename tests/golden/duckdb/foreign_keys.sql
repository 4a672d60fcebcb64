CREATE TABLE "Department" (
  "id" INTEGER NOT NULL,
  "name" VARCHAR NOT NULL,
  PRIMARY KEY ("id"),
  UNIQUE ("name")
);

CREATE TABLE "Employee" (
  "id" BIGINT NOT NULL,
  "department" INTEGER NOT NULL,
  "boss" BIGINT,
  "deputy" BIGINT,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("department") REFERENCES "Department" ("id"),
  FOREIGN KEY ("boss") REFERENCES "Employee" ("id"),
  FOREIGN KEY ("deputy") REFERENCES "Employee" ("id")
);
