CREATE TABLE `Poster` (
  `id` bigint NOT NULL,
  `background` enum('red', 'green', 'blue') NOT NULL,
  `frame` enum('red', 'green', 'blue'),
  `ink` enum('red', 'green', 'blue') NOT NULL DEFAULT 'blue',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
