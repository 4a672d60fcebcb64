CREATE TABLE "Account" (
  "id" INTEGER NOT NULL,
  "email" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "city" TEXT NOT NULL,
  "created" TEXT NOT NULL,
  PRIMARY KEY ("id")
) STRICT;
CREATE UNIQUE INDEX "ix_Account_email" ON "Account" ("email");
CREATE INDEX "ix_Account_name" ON "Account" ("name");
CREATE INDEX "ix_Account_city_created" ON "Account" ("city", "created");
CREATE INDEX "newest" ON "Account" ("created");
