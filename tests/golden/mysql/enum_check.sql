CREATE TABLE `Poster` (
  `id` bigint NOT NULL,
  `background` varchar(64) NOT NULL,
  `frame` varchar(64),
  `ink` varchar(64) NOT NULL DEFAULT 'blue',
  PRIMARY KEY (`id`),
  CONSTRAINT `ch_Poster_background` CHECK (`background` IN ('red', 'green', 'blue')),
  CONSTRAINT `ch_Poster_frame` CHECK (`frame` IN ('red', 'green', 'blue')),
  CONSTRAINT `ch_Poster_ink` CHECK (`ink` IN ('red', 'green', 'blue'))
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_0900_bin;
