CREATE TABLE `Seat` (
  `hall` varchar(10) NOT NULL,
  `row` smallint NOT NULL,
  `number` smallint NOT NULL,
  `barcode` varchar(13) NOT NULL,
  `inventory` bigint,
  `floor` smallint NOT NULL,
  `desk` smallint NOT NULL,
  PRIMARY KEY (`hall`, `row`, `number`),
  CONSTRAINT `uq_Seat_barcode` UNIQUE (`barcode`),
  CONSTRAINT `uq_Seat_inventory` UNIQUE (`inventory`),
  CONSTRAINT `uq_Seat_floor_desk` UNIQUE (`floor`, `desk`),
  CONSTRAINT `uq_Seat_hall_desk` UNIQUE (`hall`, `desk`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Visit` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `page` varchar(100) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
