CREATE TABLE "OrderLine" (
  "order" BIGINT NOT NULL,
  "line" SMALLINT NOT NULL,
  "article" VARCHAR NOT NULL,
  PRIMARY KEY ("order", "line")
);

CREATE TABLE "Return" (
  "id" BIGINT NOT NULL,
  "order" BIGINT NOT NULL,
  "line" SMALLINT NOT NULL,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("order", "line") REFERENCES "OrderLine" ("order", "line")
);
