CREATE TABLE `Journey` (
  `id` bigint NOT NULL,
  `home` mediumtext NOT NULL COMMENT 'Where it begins and ends.',
  `longest` mediumtext,
  `legs` json NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='A journey, leg by leg.';
