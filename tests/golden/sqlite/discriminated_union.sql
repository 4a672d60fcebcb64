CREATE TABLE "Contract" (
  "id" INTEGER NOT NULL,
  "party" INTEGER NOT NULL,
  "guarantor" INTEGER,
  PRIMARY KEY ("id")
) STRICT;

CREATE TABLE "Person" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  PRIMARY KEY ("id")
) STRICT;

CREATE TABLE "Company" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  PRIMARY KEY ("id")
) STRICT;
