CREATE TABLE "Department" (
  "id" INTEGER NOT NULL,
  "name" VARCHAR NOT NULL,
  PRIMARY KEY ("id"),
  UNIQUE ("name")
);

CREATE TABLE "MeasurementsOfTheNorthernWeatherStations" (
  "temperature_two_meters_above_the_ground" BIGINT NOT NULL,
  "temperature_five_meters_above_the_ground" BIGINT NOT NULL,
  "temperature_nine_meters_above_the_ground" BIGINT NOT NULL,
  "temperature_of_the_sea_near_the_station" BIGINT NOT NULL,
  "station_that_measured_the_temperature" INTEGER NOT NULL,
  PRIMARY KEY ("temperature_two_meters_above_the_ground"),
  UNIQUE ("temperature_five_meters_above_the_ground"),
  FOREIGN KEY ("station_that_measured_the_temperature") REFERENCES "Department" ("id"),
  CHECK ("temperature_nine_meters_above_the_ground" BETWEEN -90 AND 60)
);
CREATE INDEX "ix_MeasurementsOfTheNorthernWeatherStations_temperature_of_the_sea_near_the_station" ON "MeasurementsOfTheNorthernWeatherStations" ("temperature_of_the_sea_near_the_station");

CREATE TABLE "MeasurementsOfTheNorthernWeatherStations_readings_per_minute_of_the_station" (
  "MeasurementsOfTheNorthernWeatherStations_temperature_two_meters_above_the_ground" BIGINT NOT NULL,
  "position" INTEGER NOT NULL,
  "value" BIGINT NOT NULL,
  PRIMARY KEY ("MeasurementsOfTheNorthernWeatherStations_temperature_two_meters_above_the_ground", "position"),
  FOREIGN KEY ("MeasurementsOfTheNorthernWeatherStations_temperature_two_meters_above_the_ground") REFERENCES "MeasurementsOfTheNorthernWeatherStations" ("temperature_two_meters_above_the_ground")
);
