CREATE TABLE `Recipe` (
  `id` bigint NOT NULL,
  `steps` mediumtext NOT NULL,
  `minutes` mediumtext NOT NULL,
  `weights` mediumtext NOT NULL,
  `tags` mediumtext NOT NULL,
  `cooked_on` mediumtext,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
