CREATE TABLE `Album` (
  `id` bigint NOT NULL,
  `title` varchar(100) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Photo` (
  `id` bigint NOT NULL,
  `album` bigint NOT NULL,
  `cover_of` bigint,
  `archive` bigint,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Photo_album` FOREIGN KEY (`album`) REFERENCES `Album` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_Photo_cover_of` FOREIGN KEY (`cover_of`) REFERENCES `Album` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_Photo_archive` FOREIGN KEY (`archive`) REFERENCES `Album` (`id`) ON DELETE RESTRICT
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
