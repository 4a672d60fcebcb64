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

CREATE TABLE `Palette` (
  `id` bigint NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Palette_colors` (
  `Palette_id` bigint NOT NULL,
  `position` int NOT NULL,
  `value` int NOT NULL,
  PRIMARY KEY (`Palette_id`, `position`),
  CONSTRAINT `fk_Palette_colors_Palette_id` FOREIGN KEY (`Palette_id`) REFERENCES `Palette` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_Palette_colors_value` FOREIGN KEY (`value`) REFERENCES `Color` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Palette_avoided` (
  `Palette_id` bigint NOT NULL,
  `value` int NOT NULL,
  PRIMARY KEY (`Palette_id`, `value`),
  CONSTRAINT `fk_Palette_avoided_Palette_id` FOREIGN KEY (`Palette_id`) REFERENCES `Palette` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_Palette_avoided_value` FOREIGN KEY (`value`) REFERENCES `Color` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Palette_accents` (
  `Palette_id` bigint NOT NULL,
  `position` int NOT NULL,
  `value` int NOT NULL,
  PRIMARY KEY (`Palette_id`, `position`),
  CONSTRAINT `fk_Palette_accents_Palette_id` FOREIGN KEY (`Palette_id`) REFERENCES `Palette` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_Palette_accents_value` FOREIGN KEY (`value`) REFERENCES `Color` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
