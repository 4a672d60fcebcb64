CREATE TABLE "where" (
  "select" BIGINT NOT NULL,
  "order" BIGINT NOT NULL,
  "group" VARCHAR,
  "table" BIGINT NOT NULL,
  "user" VARCHAR NOT NULL,
  "größe" DOUBLE NOT NULL,
  "CamelCase" BIGINT NOT NULL,
  "value" BIGINT NOT NULL,
  PRIMARY KEY ("select"),
  UNIQUE ("table"),
  CHECK ("value" BETWEEN 0 AND 9)
);
COMMENT ON TABLE "where" IS 'Columns whose names are words of SQL.';

CREATE TABLE "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" (
  "id" BIGINT NOT NULL,
  "parent" BIGINT,
  "size" BIGINT NOT NULL,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("parent") REFERENCES "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" ("id"),
  CHECK ("size" BETWEEN 1 AND 3)
);
CREATE INDEX "ix_Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü_size" ON "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" ("size");
