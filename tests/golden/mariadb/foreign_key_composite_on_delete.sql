CREATE TABLE `OrderLine` (
  `order` bigint NOT NULL,
  `line` smallint NOT NULL,
  `article` varchar(20) NOT NULL,
  PRIMARY KEY (`order`, `line`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Shipment` (
  `id` bigint NOT NULL,
  `order` bigint NOT NULL,
  `line` smallint NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Shipment_order_line` FOREIGN KEY (`order`, `line`) REFERENCES `OrderLine` (`order`, `line`) ON DELETE CASCADE
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
