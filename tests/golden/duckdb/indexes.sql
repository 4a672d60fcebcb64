CREATE TABLE "Account" (
  "id" BIGINT NOT NULL,
  "email" VARCHAR NOT NULL,
  "name" VARCHAR NOT NULL,
  "city" VARCHAR NOT NULL,
  "created" TIMESTAMP NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "ix_Account_email" ON "Account" ("email");
CREATE INDEX "ix_Account_name" ON "Account" ("name");
CREATE INDEX "ix_Account_city_created" ON "Account" ("city", "created");
CREATE INDEX "newest" ON "Account" ("created");
