SET NAMES utf8mb4;

CREATE TABLE `where` (
  `select` bigint NOT NULL,
  `order` bigint NOT NULL,
  `group` varchar(10),
  `table` bigint NOT NULL,
  `user` mediumtext NOT NULL,
  `größe` double NOT NULL,
  `CamelCase` bigint NOT NULL,
  `value` bigint NOT NULL,
  PRIMARY KEY (`select`),
  CONSTRAINT `uq_where_table` UNIQUE (`table`),
  CONSTRAINT `ch_where_value` CHECK (`value` BETWEEN 0 AND 9)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='Columns whose names are words of SQL.';

CREATE TABLE `Robert'); DROP TABLE "Students"; -- ``x`` \n % {y} ü` (
  `id` bigint NOT NULL,
  `parent` bigint,
  `size` bigint NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Robert'); DROP TABLE "Students"; -- ``x`` \n % {y} ü_parent` FOREIGN KEY (`parent`) REFERENCES `Robert'); DROP TABLE "Students"; -- ``x`` \n % {y} ü` (`id`),
  CONSTRAINT `ch_Robert'); DROP TABLE "Students"; -- ``x`` \n % {y} ü_size` CHECK (`size` BETWEEN 1 AND 3)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
CREATE INDEX `ix_Robert'); DROP TABLE "Students"; -- ``x`` \n % {y} ü_size` ON `Robert'); DROP TABLE "Students"; -- ``x`` \n % {y} ü` (`size`);
