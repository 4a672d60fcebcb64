CREATE TABLE `Club` (
  `id` bigint NOT NULL,
  `captain` bigint,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Player` (
  `id` bigint NOT NULL,
  `club` bigint NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Player_club` FOREIGN KEY (`club`) REFERENCES `Club` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

ALTER TABLE `Club` ADD CONSTRAINT `fk_Club_captain` FOREIGN KEY (`captain`) REFERENCES `Player` (`id`);
