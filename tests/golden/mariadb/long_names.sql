CREATE TABLE `Department` (
  `id` int NOT NULL,
  `name` varchar(50) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Department_name` UNIQUE (`name`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `MeasurementsOfTheNorthernWeatherStations` (
  `temperature_two_meters_above_the_ground` bigint NOT NULL,
  `temperature_five_meters_above_the_ground` bigint NOT NULL,
  `temperature_nine_meters_above_the_ground` bigint NOT NULL,
  `temperature_of_the_sea_near_the_station` bigint NOT NULL,
  `station_that_measured_the_temperature` int NOT NULL,
  PRIMARY KEY (`temperature_two_meters_above_the_ground`),
  CONSTRAINT `uq_MeasurementsOfTheNorthernWeatherStations_temperature_54e94547` UNIQUE (`temperature_five_meters_above_the_ground`),
  CONSTRAINT `fk_MeasurementsOfTheNorthernWeatherStations_station_tha_2edf976b` FOREIGN KEY (`station_that_measured_the_temperature`) REFERENCES `Department` (`id`),
  CONSTRAINT `ch_MeasurementsOfTheNorthernWeatherStations_temperature_de13155c` CHECK (`temperature_nine_meters_above_the_ground` BETWEEN -90 AND 60)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
CREATE INDEX `ix_MeasurementsOfTheNorthernWeatherStations_temperature_0732a625` ON `MeasurementsOfTheNorthernWeatherStations` (`temperature_of_the_sea_near_the_station`);

CREATE TABLE `MeasurementsOfTheNorthernWeatherStations_readings_per_m_396648a7` (
  `MeasurementsOfTheNorthernWeatherStations_temperature_tw_c74604b7` bigint NOT NULL,
  `position` int NOT NULL,
  `value` bigint NOT NULL,
  PRIMARY KEY (`MeasurementsOfTheNorthernWeatherStations_temperature_tw_c74604b7`, `position`),
  CONSTRAINT `fk_MeasurementsOfTheNorthernWeatherStations_readings_pe_499112ad` FOREIGN KEY (`MeasurementsOfTheNorthernWeatherStations_temperature_tw_c74604b7`) REFERENCES `MeasurementsOfTheNorthernWeatherStations` (`temperature_two_meters_above_the_ground`) ON DELETE CASCADE
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
