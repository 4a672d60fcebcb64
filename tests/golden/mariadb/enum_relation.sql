CREATE TABLE `Color` (
  `id` int NOT NULL AUTO_INCREMENT,
  `value` varchar(64) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Color_value` UNIQUE (`value`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='The colors that we print in.';
INSERT INTO `Color` (`value`) VALUES
  ('red'),
  ('green'),
  ('blue');

CREATE TABLE `Poster` (
  `id` bigint NOT NULL,
  `background` int NOT NULL,
  `frame` int,
  `ink` int NOT NULL DEFAULT 3,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Poster_background` FOREIGN KEY (`background`) REFERENCES `Color` (`id`),
  CONSTRAINT `fk_Poster_frame` FOREIGN KEY (`frame`) REFERENCES `Color` (`id`),
  CONSTRAINT `fk_Poster_ink` FOREIGN KEY (`ink`) REFERENCES `Color` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
