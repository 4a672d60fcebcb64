CREATE TABLE `crm__Customer` (
  `id` bigint NOT NULL,
  `favorite` enum('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='Who buys from us.';

CREATE TABLE `sales__Order` (
  `id` bigint NOT NULL,
  `customer` bigint NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_sales__Order_customer` FOREIGN KEY (`customer`) REFERENCES `crm__Customer` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
