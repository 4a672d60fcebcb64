CREATE TABLE `Planets` (
  `id` int NOT NULL AUTO_INCREMENT,
  `value` varchar(64) NOT NULL,
  `name` varchar(20) NOT NULL,
  `mass` double NOT NULL,
  `moons` smallint NOT NULL COMMENT 'Confirmed ones.',
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Planets_value` UNIQUE (`value`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='Where a probe can be sent.';
INSERT INTO `Planets` (`value`, `name`, `mass`, `moons`) VALUES
  ('MARS', 'Mars', 6.4171e+23, 2),
  ('VENUS', 'Venus', 4.8675e+24, 0);

CREATE TABLE `Probe` (
  `id` bigint NOT NULL,
  `target` int NOT NULL,
  `then` int,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Probe_target` FOREIGN KEY (`target`) REFERENCES `Planets` (`id`),
  CONSTRAINT `fk_Probe_then` FOREIGN KEY (`then`) REFERENCES `Planets` (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
