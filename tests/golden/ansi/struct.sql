CREATE TYPE "Point" AS (
  "lat" double precision,
  "lon" double precision
);
COMMENT ON TYPE "Point" IS 'A place on the map.';
COMMENT ON COLUMN "Point"."lat" IS 'Degrees north.';
COMMENT ON COLUMN "Point"."lon" IS 'Degrees east.';

CREATE TYPE "Leg" AS (
  "start" "Point",
  "end" "Point",
  "color" varchar(64),
  "names" text ARRAY,
  "minutes" integer
);
COMMENT ON TYPE "Leg" IS 'From one place to the next.';

CREATE TABLE "Journey" (
  "id" bigint NOT NULL,
  "home" "Point" NOT NULL,
  "longest" "Leg",
  "legs" "Leg" ARRAY NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "Journey" IS 'A journey, leg by leg.';
COMMENT ON COLUMN "Journey"."home" IS 'Where it begins and ends.';
