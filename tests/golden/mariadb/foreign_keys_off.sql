CREATE TABLE `Employee` (
  `id` bigint NOT NULL,
  `department` int NOT NULL,
  `boss` bigint,
  `deputy` bigint,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Department` (
  `id` int NOT NULL,
  `name` varchar(50) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Department_name` UNIQUE (`name`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
