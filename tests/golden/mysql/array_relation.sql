CREATE TABLE `Song` (
  `album` bigint NOT NULL,
  `track` smallint NOT NULL,
  PRIMARY KEY (`album`, `track`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='A song and who sings it.';

CREATE TABLE `Song_moods` (
  `Song_album` bigint NOT NULL,
  `Song_track` smallint NOT NULL,
  `value` enum('red', 'green', 'blue') NOT NULL,
  PRIMARY KEY (`Song_album`, `Song_track`, `value`),
  CONSTRAINT `fk_Song_moods_Song_album_Song_track` FOREIGN KEY (`Song_album`, `Song_track`) REFERENCES `Song` (`album`, `track`) ON DELETE CASCADE
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Song_verses` (
  `Song_album` bigint NOT NULL,
  `Song_track` smallint NOT NULL,
  `position` int NOT NULL,
  `value` varchar(200) NOT NULL,
  PRIMARY KEY (`Song_album`, `Song_track`, `position`),
  CONSTRAINT `fk_Song_verses_Song_album_Song_track` FOREIGN KEY (`Song_album`, `Song_track`) REFERENCES `Song` (`album`, `track`) ON DELETE CASCADE
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Singer` (
  `id` bigint NOT NULL,
  `name` varchar(80) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Song_singers` (
  `Song_album` bigint NOT NULL,
  `Song_track` smallint NOT NULL,
  `position` int NOT NULL,
  `value` bigint NOT NULL,
  PRIMARY KEY (`Song_album`, `Song_track`, `position`),
  CONSTRAINT `fk_Song_singers_Song_album_Song_track` FOREIGN KEY (`Song_album`, `Song_track`) REFERENCES `Song` (`album`, `track`) ON DELETE CASCADE,
  CONSTRAINT `fk_Song_singers_value` FOREIGN KEY (`value`) REFERENCES `Singer` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;

CREATE TABLE `Song_fans` (
  `Song_album` bigint NOT NULL,
  `Song_track` smallint NOT NULL,
  `value` bigint NOT NULL,
  PRIMARY KEY (`Song_album`, `Song_track`, `value`),
  CONSTRAINT `fk_Song_fans_Song_album_Song_track` FOREIGN KEY (`Song_album`, `Song_track`) REFERENCES `Song` (`album`, `track`) ON DELETE CASCADE,
  CONSTRAINT `fk_Song_fans_value` FOREIGN KEY (`value`) REFERENCES `Singer` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
