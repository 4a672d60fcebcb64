CREATE TABLE `crm__Customer` (
  `id` bigint NOT NULL,
  `favorite` enum('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='Who buys from us.';

CREATE TABLE `crm__Complaint` (
  `id` bigint NOT NULL,
  `customer` bigint NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_crm__Complaint_customer` FOREIGN KEY (`customer`) REFERENCES `crm__Customer` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `sales__Parcel` (
  `id` bigint NOT NULL,
  `size` json NOT NULL,
  `wrapping` enum('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
