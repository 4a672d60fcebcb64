CREATE TABLE `Palette` (
  `id` bigint NOT NULL,
  `colors` mediumtext NOT NULL,
  `avoided` mediumtext NOT NULL,
  `accents` mediumtext,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
