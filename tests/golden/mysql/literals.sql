CREATE TABLE `Shirt` (
  `id` bigint NOT NULL,
  `size` enum('S', 'M', 'L') NOT NULL,
  `fit` enum('slim', 'wide'),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
