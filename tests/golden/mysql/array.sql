CREATE TABLE `Recipe` (
  `id` bigint NOT NULL,
  `steps` json NOT NULL,
  `minutes` json NOT NULL,
  `weights` json NOT NULL,
  `tags` json NOT NULL,
  `cooked_on` json,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
