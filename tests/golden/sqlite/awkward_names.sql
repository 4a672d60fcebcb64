CREATE TABLE "where" (
  "select" INTEGER NOT NULL,
  "order" INTEGER NOT NULL,
  "group" TEXT,
  "table" INTEGER NOT NULL,
  "user" TEXT NOT NULL,
  "größe" REAL NOT NULL,
  "CamelCase" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("select"),
  CONSTRAINT "uq_where_table" UNIQUE ("table"),
  CONSTRAINT "ch_where_value" CHECK ("value" BETWEEN 0 AND 9)
) STRICT;

CREATE TABLE "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" (
  "id" INTEGER NOT NULL,
  "parent" INTEGER,
  "size" INTEGER NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü_parent" FOREIGN KEY ("parent") REFERENCES "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" ("id"),
  CONSTRAINT "ch_Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü_size" CHECK ("size" BETWEEN 1 AND 3)
) STRICT;
CREATE INDEX "ix_Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü_size" ON "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" ("size");
