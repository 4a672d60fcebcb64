CREATE TABLE `Palette` (
  `id` bigint NOT NULL,
  `colors` json NOT NULL,
  `avoided` json NOT NULL,
  `accents` json,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
