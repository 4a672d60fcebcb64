CREATE TABLE `Invoice` (
  `number` bigint NOT NULL,
  `total` decimal(12, 2) NOT NULL,
  `pieces` decimal(9, 0) NOT NULL,
  `rate` decimal(18, 10) NOT NULL,
  `printed` datetime(0) NOT NULL,
  `sent` datetime(3) NOT NULL,
  `paid` datetime(6),
  `booked` datetime(3) NOT NULL,
  PRIMARY KEY (`number`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
