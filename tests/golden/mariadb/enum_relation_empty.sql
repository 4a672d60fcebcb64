CREATE TABLE `Shirt_size` (
  `id` int NOT NULL AUTO_INCREMENT,
  `value` varchar(64) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Shirt_size_value` UNIQUE (`value`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Shirt_fit` (
  `id` int NOT NULL AUTO_INCREMENT,
  `value` varchar(64) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Shirt_fit_value` UNIQUE (`value`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Shirt` (
  `id` bigint NOT NULL,
  `size` int NOT NULL,
  `fit` int,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Shirt_size` FOREIGN KEY (`size`) REFERENCES `Shirt_size` (`id`),
  CONSTRAINT `fk_Shirt_fit` FOREIGN KEY (`fit`) REFERENCES `Shirt_fit` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
