CREATE TABLE "where" (
  "select" bigint NOT NULL,
  "order" bigint NOT NULL,
  "group" varchar(10),
  "table" bigint NOT NULL,
  "user" text NOT NULL,
  "größe" double precision NOT NULL,
  "CamelCase" bigint NOT NULL,
  "value" bigint NOT NULL,
  PRIMARY KEY ("select"),
  CONSTRAINT "uq_where_table" UNIQUE ("table"),
  CONSTRAINT "ch_where_value" CHECK ("value" BETWEEN 0 AND 9)
);
COMMENT ON TABLE "where" IS 'Columns whose names are words of SQL.';

CREATE TABLE "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" (
  "id" bigint NOT NULL,
  "parent" bigint,
  "size" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü_parent" FOREIGN KEY ("parent") REFERENCES "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" ("id"),
  CONSTRAINT "ch_Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü_size" CHECK ("size" BETWEEN 1 AND 3)
);
CREATE INDEX "ix_Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü_size" ON "Robert'); DROP TABLE ""Students""; -- `x` \n % {y} ü" ("size");
