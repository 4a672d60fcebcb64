CREATE TABLE `Color` (
  `id` int NOT NULL AUTO_INCREMENT,
  `value` varchar(64) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Color_value` UNIQUE (`value`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='The colors that we print in.';
INSERT INTO `Color` (`value`) VALUES
  ('red'),
  ('green'),
  ('blue');

CREATE TABLE `Swatch` (
  `id` bigint NOT NULL,
  `color` int NOT NULL,
  `other` int,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Swatch_color` FOREIGN KEY (`color`) REFERENCES `Color` (`id`),
  CONSTRAINT `fk_Swatch_other` FOREIGN KEY (`other`) REFERENCES `Color` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
