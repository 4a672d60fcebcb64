CREATE TABLE "Contract" (
  "id" BIGINT NOT NULL,
  "party" BIGINT NOT NULL,
  "guarantor" BIGINT,
  PRIMARY KEY ("id")
);

CREATE TABLE "Person" (
  "id" BIGINT NOT NULL,
  "name" VARCHAR NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "Company" (
  "id" BIGINT NOT NULL,
  "name" VARCHAR NOT NULL,
  PRIMARY KEY ("id")
);
