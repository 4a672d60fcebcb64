CREATE TABLE `Palette` (
  `id` bigint NOT NULL,
  `colors` json NOT NULL,
  `avoided` json NOT NULL,
  `accents` json,
  PRIMARY KEY (`id`),
  CONSTRAINT `ch_Palette_colors` CHECK (json_contains('["red", "green", "blue"]', `colors`) AND json_depth(`colors`) < 3),
  CONSTRAINT `ch_Palette_avoided` CHECK (json_contains('["red", "green", "blue"]', `avoided`) AND json_depth(`avoided`) < 3),
  CONSTRAINT `ch_Palette_accents` CHECK (json_contains('["red", "green", "blue"]', `accents`) AND json_depth(`accents`) < 3)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
