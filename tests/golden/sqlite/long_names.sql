CREATE TABLE "Department" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "uq_Department_name" UNIQUE ("name")
) STRICT;

CREATE TABLE "MeasurementsOfTheNorthernWeatherStations" (
  "temperature_two_meters_above_the_ground" INTEGER NOT NULL,
  "temperature_five_meters_above_the_ground" INTEGER NOT NULL,
  "temperature_nine_meters_above_the_ground" INTEGER NOT NULL,
  "temperature_of_the_sea_near_the_station" INTEGER NOT NULL,
  "station_that_measured_the_temperature" INTEGER NOT NULL,
  PRIMARY KEY ("temperature_two_meters_above_the_ground"),
  CONSTRAINT "uq_MeasurementsOfTheNorthernWeatherStations_temperature_five_meters_above_the_ground" UNIQUE ("temperature_five_meters_above_the_ground"),
  CONSTRAINT "fk_MeasurementsOfTheNorthernWeatherStations_station_that_measured_the_temperature" FOREIGN KEY ("station_that_measured_the_temperature") REFERENCES "Department" ("id"),
  CONSTRAINT "ch_MeasurementsOfTheNorthernWeatherStations_temperature_nine_meters_above_the_ground" CHECK ("temperature_nine_meters_above_the_ground" BETWEEN -90 AND 60)
) STRICT;
CREATE INDEX "ix_MeasurementsOfTheNorthernWeatherStations_temperature_of_the_sea_near_the_station" ON "MeasurementsOfTheNorthernWeatherStations" ("temperature_of_the_sea_near_the_station");

CREATE TABLE "MeasurementsOfTheNorthernWeatherStations_readings_per_minute_of_the_station" (
  "MeasurementsOfTheNorthernWeatherStations_temperature_two_meters_above_the_ground" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "value" INTEGER NOT NULL,
  PRIMARY KEY ("MeasurementsOfTheNorthernWeatherStations_temperature_two_meters_above_the_ground", "position"),
  CONSTRAINT "fk_MeasurementsOfTheNorthernWeatherStations_readings_per_minute_of_the_station_MeasurementsOfTheNorthernWeatherStations_temperature_two_meters_above_the_ground" FOREIGN KEY ("MeasurementsOfTheNorthernWeatherStations_temperature_two_meters_above_the_ground") REFERENCES "MeasurementsOfTheNorthernWeatherStations" ("temperature_two_meters_above_the_ground") ON DELETE CASCADE
) STRICT;
