CREATE TABLE `Contract` (
  `id` bigint NOT NULL,
  `party` bigint NOT NULL,
  `guarantor` bigint,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Person` (
  `id` bigint NOT NULL,
  `name` mediumtext NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Company` (
  `id` bigint NOT NULL,
  `name` mediumtext NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
