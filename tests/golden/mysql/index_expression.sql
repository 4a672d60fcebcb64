CREATE TABLE `Nickname` (
  `id` bigint NOT NULL,
  `name` varchar(80) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
CREATE UNIQUE INDEX `ix_Nickname_1` ON `Nickname` ((lower(`name`)));
