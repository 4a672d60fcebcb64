CREATE TABLE "Journey" (
  "id" BIGINT NOT NULL,
  "home" STRUCT("lat" DOUBLE, "lon" DOUBLE) NOT NULL,
  "longest" STRUCT("start" STRUCT("lat" DOUBLE, "lon" DOUBLE), "end" STRUCT("lat" DOUBLE, "lon" DOUBLE), "color" ENUM('red', 'green', 'blue'), "names" VARCHAR[], "minutes" INTEGER),
  "legs" STRUCT("start" STRUCT("lat" DOUBLE, "lon" DOUBLE), "end" STRUCT("lat" DOUBLE, "lon" DOUBLE), "color" ENUM('red', 'green', 'blue'), "names" VARCHAR[], "minutes" INTEGER)[] NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "Journey" IS 'A journey, leg by leg.';
COMMENT ON COLUMN "Journey"."home" IS 'Where it begins and ends.';
