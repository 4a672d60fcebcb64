CREATE TABLE "Contract" (
  "id" bigint NOT NULL,
  "party" bigint NOT NULL,
  "guarantor" bigint,
  PRIMARY KEY ("id")
);

CREATE TABLE "Person" (
  "id" bigint NOT NULL,
  "name" text NOT NULL,
  PRIMARY KEY ("id")
);

CREATE TABLE "Company" (
  "id" bigint NOT NULL,
  "name" text NOT NULL,
  PRIMARY KEY ("id")
);
