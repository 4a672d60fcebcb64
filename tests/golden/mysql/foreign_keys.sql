CREATE TABLE `Department` (
  `id` int NOT NULL,
  `name` varchar(50) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Department_name` UNIQUE (`name`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Employee` (
  `id` bigint NOT NULL,
  `department` int NOT NULL,
  `boss` bigint,
  `deputy` bigint,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Employee_department` FOREIGN KEY (`department`) REFERENCES `Department` (`id`),
  CONSTRAINT `fk_Employee_boss` FOREIGN KEY (`boss`) REFERENCES `Employee` (`id`),
  CONSTRAINT `fk_Employee_deputy` FOREIGN KEY (`deputy`) REFERENCES `Employee` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
