CREATE TABLE `Palette` (
  `id` bigint NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Palette_colors` (
  `Palette_id` bigint NOT NULL,
  `position` int NOT NULL,
  `value` enum('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY (`Palette_id`, `position`),
  CONSTRAINT `fk_Palette_colors_Palette_id` FOREIGN KEY (`Palette_id`) REFERENCES `Palette` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Palette_avoided` (
  `Palette_id` bigint NOT NULL,
  `value` enum('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY (`Palette_id`, `value`),
  CONSTRAINT `fk_Palette_avoided_Palette_id` FOREIGN KEY (`Palette_id`) REFERENCES `Palette` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Palette_accents` (
  `Palette_id` bigint NOT NULL,
  `position` int NOT NULL,
  `value` enum('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY (`Palette_id`, `position`),
  CONSTRAINT `fk_Palette_accents_Palette_id` FOREIGN KEY (`Palette_id`) REFERENCES `Palette` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
