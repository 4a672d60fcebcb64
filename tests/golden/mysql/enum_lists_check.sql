CREATE TABLE `Palette` (
  `id` bigint NOT NULL,
  `colors` json NOT NULL,
  `avoided` json NOT NULL,
  `accents` json,
  PRIMARY KEY (`id`),
  CONSTRAINT `ch_Palette_colors` CHECK (json_contains('["red", "green", "blue"]', `colors`)),
  CONSTRAINT `ch_Palette_avoided` CHECK (json_contains('["red", "green", "blue"]', `avoided`)),
  CONSTRAINT `ch_Palette_accents` CHECK (json_contains('["red", "green", "blue"]', `accents`))
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
