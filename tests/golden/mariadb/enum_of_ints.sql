CREATE TABLE `Ticket` (
  `id` bigint NOT NULL,
  `priority` enum('1', '10') NOT NULL DEFAULT '1',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
