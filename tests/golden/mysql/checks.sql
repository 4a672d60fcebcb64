CREATE TABLE `Reading` (
  `id` bigint NOT NULL,
  `percent` smallint NOT NULL,
  `kelvin` double NOT NULL,
  `price` decimal(8, 2),
  `since` date NOT NULL,
  `stars` bigint NOT NULL,
  `low` bigint NOT NULL,
  `high` bigint NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `ch_Reading_percent` CHECK (`percent` BETWEEN 0 AND 100),
  CONSTRAINT `ch_Reading_kelvin` CHECK (`kelvin` >= 0.0),
  CONSTRAINT `ch_Reading_price` CHECK (`price` <= 999999.99),
  CONSTRAINT `ch_Reading_since` CHECK (`since` BETWEEN '2000-01-01' AND '2099-12-31'),
  CONSTRAINT `ch_Reading_stars` CHECK (`stars` IN (1, 2, 3)),
  CONSTRAINT `ch_Reading_1` CHECK (`high` < 1000),
  CONSTRAINT `low_first` CHECK (`low` <= `high`),
  CONSTRAINT `ch_Reading_3` CHECK (`low` <> 13)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
